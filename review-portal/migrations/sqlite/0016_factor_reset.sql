-- 0016_factor_reset.sql: persons whose factors an operator ended; until they set up new ones, the password alone opens nothing.
create table factor_reset (
    account    text not null primary key references account (id),
    hash       text not null,                   -- SHA-256 (hex) of purpose, name and the code's 80 random bits
    expires_at text not null                    -- RFC 3339, UTC
);
