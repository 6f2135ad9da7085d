CREATE TABLE acls (
    id text COLLATE "C" NOT NULL,
    object_type text COLLATE "C" NOT NULL,
    object_id text COLLATE "C" NOT NULL,
    user_id text COLLATE "C",
    group_id text COLLATE "C",
    permission text COLLATE "C",
    restrict_object_type text COLLATE "C",
    role_id text COLLATE "C",
    _object_org_id text COLLATE "C" NOT NULL,
    created bigint NOT NULL,
    CONSTRAINT acls_pkey PRIMARY KEY (id),
    CONSTRAINT acls_check CHECK (((user_id IS NULL) <> (group_id IS NULL))),
    CONSTRAINT acls_check1 CHECK (((permission IS NULL) <> (role_id IS NULL))),
    CONSTRAINT acls_check2 CHECK (((restrict_object_type IS NULL) OR (permission IS NOT NULL))),
    CONSTRAINT acls__object_org_id_fkey FOREIGN KEY (_object_org_id) REFERENCES organizations(id),
    CONSTRAINT acls_group_id_fkey FOREIGN KEY (group_id) REFERENCES groups(id),
    CONSTRAINT acls_role_id_fkey FOREIGN KEY (role_id) REFERENCES roles(id),
    CONSTRAINT acls_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id)
);

CREATE UNIQUE INDEX acls_by_content ON acls USING btree (object_id, object_type, COALESCE(user_id, ''::text), COALESCE(group_id, ''::text), COALESCE(permission, ''::text), COALESCE(restrict_object_type, ''::text), COALESCE(role_id, ''::text));

CREATE INDEX acls_by_group ON acls USING btree (group_id, object_type) WHERE (group_id IS NOT NULL);

CREATE INDEX acls_by_object ON acls USING btree (object_id, object_type, created, id);

CREATE INDEX acls_by_object_and_group ON acls USING btree (object_id, group_id) WHERE (group_id IS NOT NULL);

CREATE INDEX acls_by_object_and_user ON acls USING btree (object_id, user_id) WHERE (user_id IS NOT NULL);

CREATE INDEX acls_by_organization ON acls USING btree (_object_org_id, created, id);

CREATE INDEX acls_by_role ON acls USING btree (role_id, object_id) WHERE (role_id IS NOT NULL);

CREATE INDEX acls_by_user ON acls USING btree (user_id, object_type) WHERE (user_id IS NOT NULL);

CREATE TABLE api_keys (
    id text COLLATE "C" NOT NULL,
    created bigint NOT NULL,
    name text COLLATE "C" NOT NULL,
    preview_name text COLLATE "C" NOT NULL,
    user_id text COLLATE "C" NOT NULL,
    org_id text COLLATE "C" NOT NULL,
    digest bytea NOT NULL,
    pepper_version bigint NOT NULL,
    expires_at bigint,
    last_used_at bigint,
    CONSTRAINT api_keys_pkey PRIMARY KEY (id),
    CONSTRAINT api_keys_digest_key UNIQUE (digest),
    CONSTRAINT api_keys_org_id_fkey FOREIGN KEY (org_id) REFERENCES organizations(id),
    CONSTRAINT api_keys_pepper_version_fkey FOREIGN KEY (pepper_version) REFERENCES peppers(version),
    CONSTRAINT api_keys_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id)
);

CREATE INDEX api_keys_by_organization ON api_keys USING btree (org_id, created, id);

CREATE INDEX api_keys_by_owner ON api_keys USING btree (user_id, org_id, created, id);

CREATE TABLE audit_chains (
    chain text COLLATE "C" NOT NULL,
    position bigint NOT NULL,
    mac bytea NOT NULL,
    seal bytea NOT NULL,
    CONSTRAINT audit_chains_pkey PRIMARY KEY (chain)
);

CREATE TABLE audit_events (
    chain text COLLATE "C" NOT NULL,
    position bigint NOT NULL,
    id text COLLATE "C" NOT NULL,
    created bigint NOT NULL,
    event_type text COLLATE "C" NOT NULL,
    outcome text COLLATE "C" NOT NULL,
    org_id text COLLATE "C",
    actor_id text COLLATE "C",
    actor_email text COLLATE "C",
    authentication text COLLATE "C" NOT NULL,
    credential_id text COLLATE "C",
    object_type text COLLATE "C" NOT NULL,
    object_id text COLLATE "C",
    object_name text COLLATE "C",
    client_address text COLLATE "C",
    user_agent text COLLATE "C",
    trace_id text COLLATE "C",
    mac bytea NOT NULL,
    impersonated_id text COLLATE "C",
    impersonated_email text COLLATE "C",
    occurrences bigint,
    details text COLLATE "C",
    CONSTRAINT audit_events_pkey PRIMARY KEY (chain, "position")
);

CREATE INDEX audit_events_by_actor ON audit_events USING btree (org_id, actor_id, created, id);

CREATE UNIQUE INDEX audit_events_by_id ON audit_events USING btree (id);

CREATE INDEX audit_events_by_object ON audit_events USING btree (org_id, object_id, created, id);

CREATE INDEX audit_events_by_organization ON audit_events USING btree (org_id, created, id);

CREATE INDEX audit_events_by_type ON audit_events USING btree (org_id, event_type, created, id);

CREATE TABLE cluster_clock (
    id bigint NOT NULL,
    seq bigint NOT NULL,
    CONSTRAINT cluster_clock_pkey PRIMARY KEY (id),
    CONSTRAINT cluster_clock_id_check CHECK ((id = 1))
);

CREATE TABLE cluster_events (
    seq bigint NOT NULL,
    position bigint NOT NULL,
    kind text COLLATE "C" NOT NULL,
    subject text COLLATE "C" NOT NULL,
    CONSTRAINT cluster_events_pkey PRIMARY KEY (seq, "position")
);

CREATE TABLE cluster_nodes (
    id text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    registered bigint NOT NULL,
    applied bigint NOT NULL,
    renewals bigint NOT NULL,
    eviction text COLLATE "C",
    CONSTRAINT cluster_nodes_pkey PRIMARY KEY (id)
);

CREATE TABLE group_groups (
    group_id text COLLATE "C" NOT NULL,
    member_group_id text COLLATE "C" NOT NULL,
    CONSTRAINT group_groups_pkey PRIMARY KEY (group_id, member_group_id),
    CONSTRAINT group_groups_group_id_fkey FOREIGN KEY (group_id) REFERENCES groups(id),
    CONSTRAINT group_groups_member_group_id_fkey FOREIGN KEY (member_group_id) REFERENCES groups(id)
);

CREATE INDEX group_groups_by_member ON group_groups USING btree (member_group_id, group_id);

CREATE TABLE group_users (
    group_id text COLLATE "C" NOT NULL,
    user_id text COLLATE "C" NOT NULL,
    CONSTRAINT group_users_pkey PRIMARY KEY (group_id, user_id),
    CONSTRAINT group_users_group_id_fkey FOREIGN KEY (group_id) REFERENCES groups(id),
    CONSTRAINT group_users_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id)
);

CREATE INDEX group_users_by_user ON group_users USING btree (user_id, group_id);

CREATE TABLE groups (
    id text COLLATE "C" NOT NULL,
    org_id text COLLATE "C" NOT NULL,
    user_id text COLLATE "C",
    created bigint NOT NULL,
    name text COLLATE "C" NOT NULL,
    description text COLLATE "C",
    deleted_at bigint,
    built_in text COLLATE "C",
    CONSTRAINT groups_pkey PRIMARY KEY (id),
    CONSTRAINT groups_built_in_check CHECK ((built_in = ANY (ARRAY['owners'::text, 'engineers'::text, 'viewers'::text]))),
    CONSTRAINT groups_org_id_fkey FOREIGN KEY (org_id) REFERENCES organizations(id),
    CONSTRAINT groups_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id)
);

CREATE UNIQUE INDEX groups_by_built_in ON groups USING btree (org_id, built_in) WHERE (built_in IS NOT NULL);

CREATE UNIQUE INDEX groups_by_name ON groups USING btree (org_id, name) WHERE (deleted_at IS NULL);

CREATE INDEX groups_by_organization ON groups USING btree (org_id, created, id);

CREATE TABLE members (
    org_id text COLLATE "C" NOT NULL,
    user_id text COLLATE "C" NOT NULL,
    created bigint NOT NULL,
    CONSTRAINT members_pkey PRIMARY KEY (user_id, org_id),
    CONSTRAINT members_org_id_fkey FOREIGN KEY (org_id) REFERENCES organizations(id),
    CONSTRAINT members_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id)
);

CREATE INDEX members_by_organization ON members USING btree (org_id, user_id);

CREATE TABLE organizations (
    id text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    api_url text COLLATE "C",
    is_universal_api bigint,
    is_dataplane_private bigint,
    proxy_url text COLLATE "C",
    realtime_url text COLLATE "C",
    created bigint NOT NULL,
    image_rendering_mode text COLLATE "C",
    grants_ownership bigint NOT NULL DEFAULT 1,
    CONSTRAINT organizations_pkey PRIMARY KEY (id),
    CONSTRAINT organizations_name_key UNIQUE (name)
);

CREATE TABLE passwords (
    user_id text COLLATE "C" NOT NULL,
    hash text COLLATE "C" NOT NULL,
    changed bigint NOT NULL,
    CONSTRAINT passwords_pkey PRIMARY KEY (user_id),
    CONSTRAINT passwords_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id)
);

CREATE TABLE peppers (
    version bigint NOT NULL,
    check_value bytea NOT NULL,
    created bigint NOT NULL,
    CONSTRAINT peppers_pkey PRIMARY KEY (version)
);

CREATE TABLE projects (
    id text COLLATE "C" NOT NULL,
    org_id text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    description text COLLATE "C",
    created bigint NOT NULL,
    deleted_at bigint,
    user_id text COLLATE "C",
    settings text COLLATE "C",
    CONSTRAINT projects_pkey PRIMARY KEY (id),
    CONSTRAINT projects_org_id_fkey FOREIGN KEY (org_id) REFERENCES organizations(id),
    CONSTRAINT projects_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id)
);

CREATE UNIQUE INDEX projects_by_name ON projects USING btree (org_id, name) WHERE (deleted_at IS NULL);

CREATE INDEX projects_by_organization ON projects USING btree (org_id, created, id);

CREATE TABLE role_permissions (
    role_id text COLLATE "C" NOT NULL,
    permission text COLLATE "C" NOT NULL,
    restrict_object_type text COLLATE "C",
    CONSTRAINT role_permissions_role_id_fkey FOREIGN KEY (role_id) REFERENCES roles(id)
);

CREATE INDEX role_permissions_by_permission ON role_permissions USING btree (permission, restrict_object_type, role_id);

CREATE UNIQUE INDEX role_permissions_by_role ON role_permissions USING btree (role_id, permission, COALESCE(restrict_object_type, ''::text));

CREATE TABLE role_roles (
    role_id text COLLATE "C" NOT NULL,
    member_role_id text COLLATE "C" NOT NULL,
    CONSTRAINT role_roles_pkey PRIMARY KEY (role_id, member_role_id),
    CONSTRAINT role_roles_member_role_id_fkey FOREIGN KEY (member_role_id) REFERENCES roles(id),
    CONSTRAINT role_roles_role_id_fkey FOREIGN KEY (role_id) REFERENCES roles(id)
);

CREATE INDEX role_roles_by_member ON role_roles USING btree (member_role_id, role_id);

CREATE TABLE roles (
    id text COLLATE "C" NOT NULL,
    org_id text COLLATE "C",
    user_id text COLLATE "C",
    created bigint NOT NULL,
    name text COLLATE "C" NOT NULL,
    description text COLLATE "C",
    deleted_at bigint,
    CONSTRAINT roles_pkey PRIMARY KEY (id),
    CONSTRAINT roles_org_id_fkey FOREIGN KEY (org_id) REFERENCES organizations(id),
    CONSTRAINT roles_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id)
);

CREATE UNIQUE INDEX roles_by_name ON roles USING btree (org_id, name) WHERE (deleted_at IS NULL);

CREATE INDEX roles_by_organization ON roles USING btree (org_id, created, id);

CREATE TABLE schema_migrations (
    number bigint NOT NULL,
    name text COLLATE "C" NOT NULL,
    applied_at bigint NOT NULL,
    oldest_serving bigint,
    CONSTRAINT schema_migrations_pkey PRIMARY KEY (number)
);

CREATE TABLE service_tokens (
    id text COLLATE "C" NOT NULL,
    created bigint NOT NULL,
    name text COLLATE "C" NOT NULL,
    preview_name text COLLATE "C" NOT NULL,
    service_account_id text COLLATE "C" NOT NULL,
    org_id text COLLATE "C" NOT NULL,
    digest bytea NOT NULL,
    pepper_version bigint NOT NULL,
    expires_at bigint,
    last_used_at bigint,
    CONSTRAINT service_tokens_pkey PRIMARY KEY (id),
    CONSTRAINT service_tokens_digest_key UNIQUE (digest),
    CONSTRAINT service_tokens_org_id_fkey FOREIGN KEY (org_id) REFERENCES organizations(id),
    CONSTRAINT service_tokens_pepper_version_fkey FOREIGN KEY (pepper_version) REFERENCES peppers(version),
    CONSTRAINT service_tokens_service_account_id_fkey FOREIGN KEY (service_account_id) REFERENCES users(id)
);

CREATE INDEX service_tokens_by_organization ON service_tokens USING btree (org_id, created, id);

CREATE INDEX service_tokens_by_owner ON service_tokens USING btree (service_account_id, org_id, created, id);

CREATE TABLE sessions (
    id text COLLATE "C" NOT NULL,
    user_id text COLLATE "C" NOT NULL,
    method text COLLATE "C" NOT NULL,
    client_address text COLLATE "C",
    user_agent text COLLATE "C",
    created bigint NOT NULL,
    expires_at bigint NOT NULL,
    last_used_at bigint,
    pepper_version bigint NOT NULL,
    digest bytea NOT NULL,
    CONSTRAINT sessions_pkey PRIMARY KEY (id),
    CONSTRAINT sessions_digest_key UNIQUE (digest),
    CONSTRAINT sessions_method_check CHECK ((method = ANY (ARRAY['password'::text, 'link'::text, 'openid'::text]))),
    CONSTRAINT sessions_pepper_version_fkey FOREIGN KEY (pepper_version) REFERENCES peppers(version),
    CONSTRAINT sessions_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id)
);

CREATE INDEX sessions_by_expiry ON sessions USING btree (expires_at);

CREATE INDEX sessions_by_user ON sessions USING btree (user_id, created, id);

CREATE TABLE used_sign_in_links (
    id text COLLATE "C" NOT NULL,
    expires_at bigint NOT NULL,
    CONSTRAINT used_sign_in_links_pkey PRIMARY KEY (id)
);

CREATE INDEX used_sign_in_links_by_expiry ON used_sign_in_links USING btree (expires_at);

CREATE TABLE users (
    id text COLLATE "C" NOT NULL,
    given_name text COLLATE "C",
    family_name text COLLATE "C",
    email text COLLATE "C" NOT NULL,
    avatar_url text COLLATE "C",
    created bigint NOT NULL,
    service_org_id text COLLATE "C",
    CONSTRAINT users_pkey PRIMARY KEY (id),
    CONSTRAINT users_email_key UNIQUE (email),
    CONSTRAINT users_service_org_id_fkey FOREIGN KEY (service_org_id) REFERENCES organizations(id)
);

CREATE INDEX users_by_service_organization ON users USING btree (service_org_id, given_name) WHERE (service_org_id IS NOT NULL);

CREATE INDEX users_by_time ON users USING btree (created, id);
