-- 0014_invitation.sql: invitations of members, each for one account; the token that was sent is kept as its SHA-256 alone.
create table invitation (
    token       text not null primary key,      -- SHA-256, hex
    application text not null references application (id),
    account     text not null references account (id),
    by_user     text not null,
    created_at  text not null,                  -- RFC 3339, UTC
    expires_at  text not null,                  -- RFC 3339, UTC
    used_at     text                            -- RFC 3339, UTC
);

create index invitation_application on invitation (application, account);
