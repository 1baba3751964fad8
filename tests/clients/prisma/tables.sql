-- What `prisma migrate diff --from-empty` prints for the schema, less the synchronous index.
create table prisma_author (
    id uuid not null default gen_random_uuid(),
    email text not null,
    name text,
    balance decimal(18, 6) not null default 0,
    settings jsonb,
    created_at timestamp(3) not null default current_timestamp,
    constraint prisma_author_pkey primary key (id),
    constraint prisma_author_email_key unique (email)
);
create table prisma_post (
    id uuid not null,
    title text not null,
    views bigint not null default 0,
    published boolean not null default false,
    published_at timestamptz(6),
    cover bytea,
    author_id uuid not null,
    constraint prisma_post_pkey primary key (id)
);
