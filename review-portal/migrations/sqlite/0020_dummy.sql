-- 0020_dummy.sql: runs on dummy data, with or without a project; what a run reads at most; which dummy releases there are.

-- SQLite cannot loosen a column: the runs move into a table where a permit need not be.
create table query_run_next (
    id             text not null primary key,      -- 32 hexadecimal digits, drawn by the page
    project        text not null,                  -- empty: none, dummy data alone
    account        text not null references account (id),
    permit         text references permit (id),    -- none on dummy data
    sql            text not null,
    sql_sha256     text not null,
    asked_at       text not null,                  -- RFC 3339, UTC, six digits of a second: text order is time order
    state          text not null,                  -- answered, cancelled, interrupted, refused, running
    duration_ms    bigint,
    answer_rows    bigint,
    grade          text,                           -- exact, preview
    withheld       text,                           -- the answer's band: 0-9, 10-49, 50+
    code           text,                           -- of a refusal
    data           text not null,                  -- dummy, people
    scanned_rows   bigint,                         -- what the plan reads at most, in two digits
    scanned_values bigint
);

insert into query_run_next (id, project, account, permit, sql, sql_sha256, asked_at, state, duration_ms, answer_rows, grade, withheld, code, data)
select id, project, account, permit, sql, sql_sha256, asked_at, state, duration_ms, answer_rows, grade, withheld, code, 'people' from query_run;

drop table query_run;

alter table query_run_next rename to query_run;

create index query_run_of_author on query_run (account, project, asked_at, id);

-- Dummy releases that the dummy engine serves: one of each dataset.
create table dummy_release (
    dataset    text not null primary key,
    version    text not null,
    tables     text not null,                  -- names as in SQL, parted by spaces
    persons    bigint,                         -- invented ones
    created_at text not null                   -- RFC 3339, UTC
);
