-- 0008_second_factor.sql: what a person signs in and signs acts with beside the password, and what the committee knows the person as.
alter table account add column seats text not null default '';   -- seats of the committee, separated by spaces
alter table account add column holds text not null default '';   -- sources that the person speaks for, separated by spaces

-- Sessions that began before are over: set when the password is changed or a passkey is removed. RFC 3339, UTC; empty: never set.
alter table account add column sessions_since text not null default '';

-- A shared secret for codes by time (RFC 6238), sealed under the portal zone's key `factor`.
create table totp (
    account   text not null primary key references account (id),
    sealed    text,                             -- none until the first code was given
    pending   text,                             -- the one that is being set up
    last_step bigint not null                   -- codes of this step and of earlier ones are refused
);

create table passkey (
    credential text not null primary key,       -- base64url
    account    text not null references account (id),
    public_key text not null,                   -- policies::passkey::PasskeyKey
    label      text not null,
    sign_count bigint not null,
    created_at text not null,                   -- RFC 3339, UTC
    used_at    text
);

create table recovery_code (
    account text not null references account (id),
    hash    text not null,                      -- SHA-256 (hex) of the name and the code's 80 random bits
    used_at text,
    primary key (account, hash)
);

-- An act that waits for its passkey: used once, and not after five minutes.
create table pending_act (
    id          text not null primary key,
    account     text not null references account (id),
    session     text not null,                  -- the signed-in session that began it
    application text,
    record      text not null,                  -- JSON, as it will be recorded
    hash        text not null,                  -- SHA-256 (hex): the challenge
    expires_at  bigint not null                 -- seconds since 1970-01-01, UTC
);
