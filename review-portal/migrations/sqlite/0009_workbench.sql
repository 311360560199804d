-- 0009_workbench.sql: what a project's members asked of the engine, and the queries that they keep.

-- One row a run. The text is for its author alone; the audit chain holds its hash. No cell of an answer is kept.
create table query_run (
    id          text not null primary key,      -- 32 hexadecimal digits, drawn by the page
    project     text not null,
    account     text not null references account (id),
    permit      text not null references permit (id),
    sql         text not null,
    sql_sha256  text not null,
    asked_at    text not null,                  -- RFC 3339, UTC, six digits of a second: text order is time order
    state       text not null,                  -- answered, cancelled, interrupted, refused, running
    duration_ms bigint,
    answer_rows bigint,
    grade       text,                           -- exact, preview
    withheld    text,                           -- the answer's band: 0-9, 10-49, 50+
    code        text                            -- of a refusal
);

create index query_run_of_author on query_run (account, project, asked_at, id);

create table saved_query (
    id         text not null primary key,       -- 32 hexadecimal digits, drawn by the page
    project    text not null,
    created_at text not null                    -- RFC 3339, UTC
);

create index saved_query_of_project on saved_query (project);

-- Versions are only ever added, so that what a colleague saved is never lost.
create table saved_query_version (
    query    text not null references saved_query (id),
    version  bigint not null check (version > 0),
    title    text not null,
    sql      text not null,
    saved_at text not null,                     -- RFC 3339, UTC
    saved_by text not null references account (id),
    primary key (query, version)                -- two writers cannot both save version n
);

create trigger saved_query_version_no_update before update on saved_query_version
begin select raise(abort, 'saved_query_version is append-only'); end;

create trigger saved_query_version_no_delete before delete on saved_query_version
begin select raise(abort, 'saved_query_version is append-only'); end;
