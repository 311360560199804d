-- 0012_committee.sql: with whom a person wrote papers, for conflicts of interest. JSON, {"sign-in name": last year}.
alter table account add column coauthors text not null default '{}';
