CREATE TABLE acls (
    id TEXT NOT NULL PRIMARY KEY,
    object_type TEXT NOT NULL,
    object_id TEXT NOT NULL,
    user_id TEXT REFERENCES users (id),
    group_id TEXT REFERENCES groups (id),
    permission TEXT,
    restrict_object_type TEXT,
    role_id TEXT REFERENCES roles (id),
    _object_org_id TEXT NOT NULL REFERENCES organizations (id),
    created INTEGER NOT NULL,
    CHECK ((user_id IS NULL) <> (group_id IS NULL)),
    CHECK ((permission IS NULL) <> (role_id IS NULL)),
    CHECK (restrict_object_type IS NULL OR permission IS NOT NULL)
) STRICT;

CREATE UNIQUE INDEX acls_by_content ON acls (
    object_id, object_type, COALESCE(user_id, ''), COALESCE(group_id, ''), COALESCE(permission, ''),
    COALESCE(restrict_object_type, ''), COALESCE(role_id, '')
);

CREATE INDEX acls_by_group ON acls (group_id, object_type) WHERE group_id IS NOT NULL;

CREATE INDEX acls_by_object ON acls (object_id, object_type, created, id);

CREATE INDEX acls_by_object_and_group ON acls (object_id, group_id) WHERE group_id IS NOT NULL;

CREATE INDEX acls_by_object_and_user ON acls (object_id, user_id) WHERE user_id IS NOT NULL;

CREATE INDEX acls_by_organization ON acls (_object_org_id, created, id);

CREATE INDEX acls_by_role ON acls (role_id, object_id) WHERE role_id IS NOT NULL;

CREATE INDEX acls_by_user ON acls (user_id, object_type) WHERE user_id IS NOT NULL;

CREATE TABLE api_keys (
    id TEXT NOT NULL PRIMARY KEY,
    created INTEGER NOT NULL,
    name TEXT NOT NULL,
    preview_name TEXT NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (id),
    org_id TEXT NOT NULL REFERENCES organizations (id),
    digest BLOB NOT NULL UNIQUE,
    pepper_version INTEGER NOT NULL REFERENCES peppers (version)
, "expires_at" INTEGER, "last_used_at" INTEGER) STRICT;

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
    mac BLOB NOT NULL, impersonated_id TEXT, impersonated_email TEXT, occurrences INTEGER, details TEXT,
    PRIMARY KEY (chain, position)
) STRICT;

CREATE INDEX audit_events_by_actor ON audit_events (org_id, actor_id, created, id);

CREATE UNIQUE INDEX audit_events_by_id ON audit_events (id);

CREATE INDEX audit_events_by_object ON audit_events (org_id, object_id, created, id);

CREATE INDEX audit_events_by_organization ON audit_events (org_id, created, id);

CREATE INDEX audit_events_by_type ON audit_events (org_id, event_type, created, id);

CREATE TABLE cluster_clock (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    seq INTEGER NOT NULL
) STRICT;

CREATE TABLE cluster_events (
    seq INTEGER NOT NULL,
    position INTEGER NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    PRIMARY KEY (seq, position)
) STRICT;

CREATE TABLE cluster_nodes (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    registered INTEGER NOT NULL,
    applied INTEGER NOT NULL,
    renewals INTEGER NOT NULL,
    eviction TEXT
) STRICT;

CREATE TABLE group_groups (
    group_id TEXT NOT NULL REFERENCES groups (id),
    member_group_id TEXT NOT NULL REFERENCES groups (id),
    PRIMARY KEY (group_id, member_group_id)
) STRICT;

CREATE INDEX group_groups_by_member ON group_groups (member_group_id, group_id);

CREATE TABLE group_users (
    group_id TEXT NOT NULL REFERENCES groups (id),
    user_id TEXT NOT NULL REFERENCES users (id),
    PRIMARY KEY (group_id, user_id)
) STRICT;

CREATE INDEX group_users_by_user ON group_users (user_id, group_id);

CREATE TABLE groups (
    id TEXT NOT NULL PRIMARY KEY,
    org_id TEXT NOT NULL REFERENCES organizations (id),
    user_id TEXT REFERENCES users (id),
    created INTEGER NOT NULL,
    name TEXT NOT NULL,
    description TEXT,
    deleted_at INTEGER,
    built_in TEXT CHECK (built_in IN ('owners', 'engineers', 'viewers'))
) STRICT;

CREATE UNIQUE INDEX groups_by_built_in ON groups (org_id, built_in) WHERE built_in IS NOT NULL;

CREATE UNIQUE INDEX groups_by_name ON groups (org_id, name) WHERE deleted_at IS NULL;

CREATE INDEX groups_by_organization ON groups (org_id, created, id);

CREATE TABLE members (
    org_id TEXT NOT NULL REFERENCES organizations (id),
    user_id TEXT NOT NULL REFERENCES users (id),
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
, grants_ownership INTEGER NOT NULL DEFAULT 1) STRICT;

CREATE TABLE passwords (
    user_id TEXT NOT NULL PRIMARY KEY REFERENCES users (id),
    hash TEXT NOT NULL,
    changed INTEGER NOT NULL
) STRICT;

CREATE TABLE peppers (
    version INTEGER NOT NULL PRIMARY KEY,
    check_value BLOB NOT NULL,
    created INTEGER NOT NULL
) STRICT;

CREATE TABLE projects (
    id TEXT NOT NULL PRIMARY KEY,
    org_id TEXT NOT NULL REFERENCES organizations (id),
    name TEXT NOT NULL,
    description TEXT,
    created INTEGER NOT NULL,
    deleted_at INTEGER,
    user_id TEXT REFERENCES users (id),
    settings TEXT
) STRICT;

CREATE UNIQUE INDEX projects_by_name ON projects (org_id, name) WHERE deleted_at IS NULL;

CREATE INDEX projects_by_organization ON projects (org_id, created, id);

CREATE TABLE role_permissions (
    role_id TEXT NOT NULL REFERENCES roles (id),
    permission TEXT NOT NULL,
    restrict_object_type TEXT
) STRICT;

CREATE INDEX role_permissions_by_permission ON role_permissions (permission, restrict_object_type, role_id);

CREATE UNIQUE INDEX role_permissions_by_role
ON role_permissions (role_id, permission, COALESCE(restrict_object_type, ''));

CREATE TABLE role_roles (
    role_id TEXT NOT NULL REFERENCES roles (id),
    member_role_id TEXT NOT NULL REFERENCES roles (id),
    PRIMARY KEY (role_id, member_role_id)
) STRICT;

CREATE INDEX role_roles_by_member ON role_roles (member_role_id, role_id);

CREATE TABLE roles (
    id TEXT NOT NULL PRIMARY KEY,
    org_id TEXT REFERENCES organizations (id),
    user_id TEXT REFERENCES users (id),
    created INTEGER NOT NULL,
    name TEXT NOT NULL,
    description TEXT,
    deleted_at INTEGER
) STRICT;

CREATE UNIQUE INDEX roles_by_name ON roles (org_id, name) WHERE deleted_at IS NULL;

CREATE INDEX roles_by_organization ON roles (org_id, created, id);

CREATE TABLE schema_migrations (
    number INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    applied_at INTEGER NOT NULL
, oldest_serving INTEGER) STRICT;

CREATE TABLE service_tokens (
    id TEXT NOT NULL PRIMARY KEY,
    created INTEGER NOT NULL,
    name TEXT NOT NULL,
    preview_name TEXT NOT NULL,
    service_account_id TEXT NOT NULL REFERENCES users (id),
    org_id TEXT NOT NULL REFERENCES organizations (id),
    digest BLOB NOT NULL UNIQUE,
    pepper_version INTEGER NOT NULL REFERENCES peppers (version)
, "expires_at" INTEGER, "last_used_at" INTEGER) STRICT;

CREATE INDEX service_tokens_by_organization ON service_tokens (org_id, created, id);

CREATE INDEX service_tokens_by_owner ON service_tokens (service_account_id, org_id, created, id);

CREATE TABLE sessions (
    id TEXT NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id),
    method TEXT NOT NULL CHECK (method IN ('password', 'link', 'openid')),
    client_address TEXT,
    user_agent TEXT,
    created INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    last_used_at INTEGER,
    pepper_version INTEGER NOT NULL REFERENCES peppers (version),
    digest BLOB NOT NULL UNIQUE
) STRICT;

CREATE INDEX sessions_by_expiry ON sessions (expires_at);

CREATE INDEX sessions_by_user ON sessions (user_id, created, id);

CREATE TABLE used_sign_in_links (
    id TEXT NOT NULL PRIMARY KEY,
    expires_at INTEGER NOT NULL
) STRICT;

CREATE INDEX used_sign_in_links_by_expiry ON used_sign_in_links (expires_at);

CREATE TABLE users (
    id TEXT NOT NULL PRIMARY KEY,
    given_name TEXT,
    family_name TEXT,
    email TEXT NOT NULL UNIQUE,
    avatar_url TEXT,
    created INTEGER NOT NULL
, service_org_id TEXT REFERENCES organizations (id)) STRICT;

CREATE INDEX users_by_service_organization ON users (service_org_id, given_name)
WHERE service_org_id IS NOT NULL;

CREATE INDEX users_by_time ON users (created, id);
