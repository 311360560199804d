-- 0015_institution.sql: which person of which institution's OpenID provider may take the place of an account's password.
create table institution_link (
    issuer    text not null,                    -- the provider's issuer identifier
    subject   text not null,                    -- SHA-256 (hex) of the `sub` that the provider knows the person by
    account   text not null references account (id),
    linked_at text not null,                    -- RFC 3339, UTC
    used_at   text,                             -- RFC 3339, UTC
    primary key (issuer, subject),
    unique (account, issuer)
);
