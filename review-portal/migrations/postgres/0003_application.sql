-- 0003_application.sql: applications as streams of events. Events are only ever added; the row in `application` is their fold, kept for lists.
create table application (
    id         text not null primary key,
    applicant  text not null references account (id),
    project    text,
    stage      text not null,
    state      text not null,                   -- JSON, policies::application::Application
    created_at text not null,
    updated_at text not null,
    constraint application_project unique (project)
);

create table application_event (
    application text not null references application (id),
    seq         bigint not null check (seq > 0),
    kind        text not null,
    body        text not null,                  -- JSON, policies::application::EventRecord
    at          text not null,                  -- RFC 3339, UTC
    by_user     text not null references account (id),
    once        text,                           -- the form's key against double click
    primary key (application, seq),             -- two writers cannot both append number n
    constraint application_event_once unique (by_user, once)
);

create function refuse_change() returns trigger language plpgsql
as $$ begin raise exception '% is append-only', tg_table_name; end $$;

create trigger application_event_append_only before update or delete or truncate on application_event
for each statement execute function refuse_change();
