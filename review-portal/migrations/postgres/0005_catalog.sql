-- 0005_catalog.sql: what exists. A published release is never changed; descriptions of a dataset may be.
create table dataset (
    id             text not null primary key,
    title_ja       text not null,
    title_en       text not null,
    description_ja text not null,
    description_en text not null
);

create table dataset_release (
    dataset      text not null references dataset (id),
    version      text not null,
    created_at   text not null,
    published_at text not null,
    code_version text not null,
    primary key (dataset, version)
);

create table release_table (
    dataset  text not null,
    version  text not null,
    position bigint not null,
    name     text not null,
    rows     bigint,
    persons  bigint,                            -- none for an open table
    primary key (dataset, version, name),
    foreign key (dataset, version) references dataset_release (dataset, version)
);

create table release_variable (
    dataset    text not null,
    version    text not null,
    table_name text not null,
    position   bigint not null,
    name       text not null,
    type       text not null,
    class      text not null,
    label_ja   text not null,
    label_en   text not null,
    primary key (dataset, version, table_name, name),
    foreign key (dataset, version, table_name) references release_table (dataset, version, name)
);
