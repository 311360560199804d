-- 0002_session.sql: signed-in browsers. The cookie's value is not stored: only its SHA-256, so that a copy of the table opens nothing.
create table session (
    id         text not null primary key,       -- SHA-256 (hex) of the cookie's value
    body       text not null,                   -- JSON
    expires_at bigint not null                  -- seconds since 1970-01-01, UTC
);
