-- 0013_draft.sql: what was typed into an application's form and could not be read, and documents by their hash.
create table draft_input (
    application text not null primary key references application (id),
    seq         bigint not null,                -- the event whose content the input goes with; of no use when another came after it
    body        text not null,                  -- JSON of pages/application/input.rs
    parts       text not null                   -- parts that could not be read, by the words of problems, in order, with spaces
);

create table attachment (
    sha256      text not null primary key,      -- hex; the same document twice is one row
    body        text not null,                  -- base64
    created_at  text not null                   -- RFC 3339, UTC
);
