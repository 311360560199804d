-- 0004_permit.sql: permits as the signer made them. The engine believes the document, not this table.
create table permit (
    id          text not null primary key,
    application text not null references application (id),
    project     text not null,
    title       text not null,
    jws         text not null,
    claims      text not null,                  -- JSON, policies::Permit
    issued_at   text not null,
    expires_at  text not null,
    ended_at    text                            -- revoked or closed
);

create table permit_member (
    permit  text not null references permit (id),
    account text not null references account (id),
    primary key (permit, account)
);
