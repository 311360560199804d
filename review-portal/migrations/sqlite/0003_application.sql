-- 0003_application.sql: applications as they stand: the fold of their events (0010), kept for lists and rebuilt by `sudare portal rebuild`.
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
