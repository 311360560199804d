-- 0017_contact_change.sql: a mail address that its owner has not confirmed yet, one for each account.
create table contact_change (
    account    text not null primary key references account (id),
    mail       text not null,
    hash       text not null,                   -- SHA-256 (hex) of purpose, name and the code's 80 random bits
    expires_at text not null                    -- RFC 3339, UTC
);
