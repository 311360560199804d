-- 0001_account.sql: who may sign in. `roles` holds words of policies::Role, separated by spaces.
create table account (
    id           text not null primary key,
    name_ja      text not null,
    name_en      text not null,
    organisation text not null,
    roles        text not null,
    password     text not null,                 -- PHC string, argon2id
    created_at   text not null                  -- RFC 3339, UTC
);

-- Failed sign-ins since the last that worked, for names that exist and names that do not: waiting tells nobody which is which.
create table sign_in_failure (
    name         text not null primary key,     -- SHA-256 (hex) of the name as typed: it may be a password in the wrong field
    failures     bigint not null,
    locked_until text,                          -- RFC 3339, UTC
    at           bigint not null                -- the last one, seconds since 1970-01-01, UTC
);
