-- 0012_committee.sql: what an account is to the committee. Words separated by spaces; co-authors as JSON, {"sign-in name": last year}.
alter table account add column seats text not null default '';
alter table account add column holds text not null default '';
alter table account add column coauthors text not null default '{}';
