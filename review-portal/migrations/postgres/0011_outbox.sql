-- 0011_outbox.sql: what is to be sent, written in the transaction of the event that it tells of, and where it goes.
create table outbox (
    id          bigint not null primary key,
    dedup       text not null,                  -- event and recipient: the same notice twice is one; its hash is the Message-ID
    kind        text not null check (kind in ('mail', 'webhook')),
    recipient   text not null,                  -- an account, or an address of the web
    language    text not null,                  -- ja or en
    subject     text not null,
    body        text not null,                  -- plain text
    created_at  text not null,                  -- RFC 3339, UTC
    next_try_at bigint not null,                -- seconds since 1970-01-01, UTC
    tries       bigint not null,
    sent_at     text,                           -- RFC 3339, UTC
    failed_at   text,                           -- given up; RFC 3339, UTC
    failure     text,                           -- why the last try failed, a word of outbox.rs
    constraint outbox_dedup unique (dedup)
);

create index outbox_waiting on outbox (sent_at, failed_at, next_try_at);
create index outbox_recipient on outbox (recipient, id);

-- Where a person is written to; without a row, notices wait on the page `/mails` alone, in Japanese.
create table contact (
    account  text not null primary key references account (id),
    mail     text,
    language text not null                      -- ja or en
);
