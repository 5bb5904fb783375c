-- One row for each exclusive unit. `kek` is its key-encryption key, wrapped under the root key; NULL once destroyed.
CREATE TABLE pool_unit (
    tenant_id TEXT    NOT NULL,
    id        TEXT    NOT NULL UNIQUE,
    workers   INTEGER NOT NULL,
    cores     TEXT    NOT NULL,
    created   INTEGER NOT NULL,
    kek       BLOB,
    audit_seq INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, id)
) STRICT;
-- A tenant has one unit at a time.
CREATE UNIQUE INDEX pool_unit_live ON pool_unit (tenant_id) WHERE kek IS NOT NULL;

-- What a tenant has chosen for its signatures in bulk; no row: the default, 1.
CREATE TABLE pool_policy (
    tenant_id   TEXT    NOT NULL,
    verify_bulk INTEGER NOT NULL,
    audit_seq   INTEGER NOT NULL,
    PRIMARY KEY (tenant_id)
) STRICT;
