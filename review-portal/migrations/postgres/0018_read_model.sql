-- 0018_read_model.sql: what lists and public pages read instead of all applications; a fold of events like table `application`, written in
-- their transaction and made again by `sudare portal rebuild`.
alter table application add column since text not null default '';     -- when the present stage began; RFC 3339, UTC
alter table application add column asked text not null default '{}';   -- JSON, when each reviewer of the running round was asked
-- Another number each time the row is written, greater than all before.
alter table application add column revision bigint not null default 0;

create index application_revision on application (revision);
create index application_row on application (id, revision);

-- By what an application is found; the words are made in application/model.rs.
create table application_mark (
    mark        text not null,
    rank        bigint not null,                -- the order of those found
    application text not null references application (id),
    primary key (mark, rank, application)
);

create index application_mark_of on application_mark (application, mark);

-- What everybody may know of applications, and nothing else.
create table public_line (
    application text not null references application (id),
    kind        text not null,
    number      bigint not null,                -- of several of one kind
    at          bigint not null,                -- microseconds since 1970-01-01, UTC
    days        bigint not null,                -- of a finished step of the way
    body        text not null,                  -- JSON
    primary key (application, kind, number)
);

create index public_line_at on public_line (kind, at, application, number);
create index public_line_days on public_line (kind, days);
