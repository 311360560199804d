-- 0020_dummy.sql: runs on dummy data, with or without a project; what a run reads at most; which dummy releases there are.

alter table query_run alter column permit drop not null;         -- none on dummy data
alter table query_run add column data text not null default 'people';
alter table query_run alter column data drop default;            -- dummy, people
alter table query_run add column scanned_rows bigint;            -- what the plan reads at most, in two digits
alter table query_run add column scanned_values bigint;

-- Dummy releases that the dummy engine serves: one of each dataset.
create table dummy_release (
    dataset    text not null primary key,
    version    text not null,
    tables     text not null,                  -- names as in SQL, parted by spaces
    persons    bigint,                         -- invented ones
    created_at text not null                   -- RFC 3339, UTC
);
