-- 0010_event.sql: what happened, in streams. Rows are only ever added, under the database's one write lock: `position` has no gaps that
-- fill later, so a reader who has seen n goes on from n + 1 and misses nothing.
create table event (
    stream   text not null,                     -- what it happened to, e.g. A-2026-000001
    version  bigint not null check (version > 0),
    position bigint not null check (position > 0),
    kind     text not null,
    body     text not null,                     -- JSON
    at       text not null,                     -- RFC 3339, UTC
    actor    text not null,                     -- an account, or `system`
    policy   text not null,                     -- version of the rules that let it happen
    once     text,                              -- the form's key against double click
    primary key (stream, version),              -- two writers cannot both append number n
    constraint event_position unique (position),
    constraint event_once unique (actor, once)
);

create trigger event_no_update before update on event
begin select raise(abort, 'event is append-only'); end;

create trigger event_no_delete before delete on event
begin select raise(abort, 'event is append-only'); end;
