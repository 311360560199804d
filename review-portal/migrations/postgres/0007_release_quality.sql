-- 0007_release_quality.sql: what a release says of the linkage behind it, in veiled cells. Written once, with the release.
create table release_quality (
    dataset text not null,
    version text not null,
    body    text not null,                      -- JSON, see catalog/src/quality.rs
    word    text,                               -- JSON, the steward's word where one was needed
    primary key (dataset, version),
    foreign key (dataset, version) references dataset_release (dataset, version)
);
