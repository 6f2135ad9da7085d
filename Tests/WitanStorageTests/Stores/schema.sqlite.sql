CREATE TABLE api_keys (
    id TEXT NOT NULL PRIMARY KEY,
    created INTEGER NOT NULL,
    name TEXT NOT NULL,
    preview_name TEXT NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (id),
    org_id TEXT NOT NULL REFERENCES organizations (id),
    digest BLOB NOT NULL UNIQUE,
    pepper_version INTEGER NOT NULL REFERENCES peppers (version)
) STRICT;

CREATE INDEX api_keys_by_organization ON api_keys (org_id, created, id);

CREATE INDEX api_keys_by_owner ON api_keys (user_id, org_id, created, id);

CREATE TABLE audit_chains (
    chain TEXT NOT NULL PRIMARY KEY,
    position INTEGER NOT NULL,
    mac BLOB NOT NULL,
    seal BLOB NOT NULL
) STRICT;

CREATE TABLE audit_events (
    chain TEXT NOT NULL,
    position INTEGER NOT NULL,
    id TEXT NOT NULL,
    created INTEGER NOT NULL,
    event_type TEXT NOT NULL,
    outcome TEXT NOT NULL,
    org_id TEXT,
    actor_id TEXT,
    actor_email TEXT,
    authentication TEXT NOT NULL,
    credential_id TEXT,
    object_type TEXT NOT NULL,
    object_id TEXT,
    object_name TEXT,
    client_address TEXT,
    user_agent TEXT,
    trace_id TEXT,
    mac BLOB NOT NULL,
    PRIMARY KEY (chain, position)
) STRICT;

CREATE INDEX audit_events_by_organization ON audit_events (org_id, created, id);

CREATE TABLE members (
    org_id TEXT NOT NULL REFERENCES organizations (id),
    user_id TEXT NOT NULL REFERENCES users (id),
    role TEXT NOT NULL CHECK (role IN ('owner', 'member')),
    created INTEGER NOT NULL,
    PRIMARY KEY (user_id, org_id)
) STRICT;

CREATE INDEX members_by_organization ON members (org_id, user_id);

CREATE TABLE organizations (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    api_url TEXT,
    is_universal_api INTEGER,
    is_dataplane_private INTEGER,
    proxy_url TEXT,
    realtime_url TEXT,
    created INTEGER NOT NULL,
    image_rendering_mode TEXT
) STRICT;

CREATE TABLE peppers (
    version INTEGER NOT NULL PRIMARY KEY,
    check_value BLOB NOT NULL,
    created INTEGER NOT NULL
) STRICT;

CREATE TABLE schema_migrations (
    number INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    applied_at INTEGER NOT NULL
) STRICT;

CREATE TABLE users (
    id TEXT NOT NULL PRIMARY KEY,
    given_name TEXT,
    family_name TEXT,
    email TEXT NOT NULL UNIQUE,
    avatar_url TEXT,
    created INTEGER NOT NULL
) STRICT;
