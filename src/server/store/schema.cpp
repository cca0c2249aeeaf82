// SPDX-License-Identifier: Apache-2.0
#include "server/store/schema.h"

namespace cages::server {

const std::array<const char*, 3> kMigrations{R"sql(
CREATE TABLE api_keys (
  id          TEXT PRIMARY KEY,
  name        TEXT NOT NULL,
  secret_hash BLOB NOT NULL,
  created     INTEGER NOT NULL
) STRICT;

CREATE TABLE apps (
  id      TEXT PRIMARY KEY,
  name    TEXT NOT NULL UNIQUE,
  floor   INTEGER NOT NULL DEFAULT 0,
  created INTEGER NOT NULL
) STRICT;

-- Which signing certificates (PCR8) an app's images may have. No row: any, or none.
CREATE TABLE app_signers (
  app  TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
  pcr8 BLOB NOT NULL,
  PRIMARY KEY (app, pcr8)
) STRICT, WITHOUT ROWID;

CREATE TABLE hosts (
  id       BLOB PRIMARY KEY,
  name     TEXT NOT NULL UNIQUE,
  key_hash BLOB NOT NULL UNIQUE,
  pcr3     BLOB,
  pcr4     BLOB,
  revoked  INTEGER NOT NULL DEFAULT 0,
  enrolled INTEGER NOT NULL
) STRICT;

CREATE TABLE enrolments (
  id          BLOB PRIMARY KEY,
  secret_hash BLOB NOT NULL,
  host_name   TEXT NOT NULL,
  pcr3        BLOB,
  pcr4        BLOB,
  expires     INTEGER NOT NULL,
  used        INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE deployments (
  id             BLOB PRIMARY KEY,
  app            TEXT NOT NULL REFERENCES apps (id),
  version        INTEGER NOT NULL,
  cage           TEXT NOT NULL,
  evidence_class TEXT NOT NULL,
  state          TEXT NOT NULL,
  names          TEXT NOT NULL,
  secrets        TEXT NOT NULL,
  image_sha256   BLOB NOT NULL,
  image_bytes    INTEGER NOT NULL,
  pcr0           BLOB NOT NULL,
  pcr1           BLOB NOT NULL,
  pcr2           BLOB NOT NULL,
  pcr8           BLOB,
  memory_mib     INTEGER NOT NULL DEFAULT 0,
  cpus           INTEGER NOT NULL DEFAULT 0,
  host           BLOB REFERENCES hosts (id),
  created        INTEGER NOT NULL,
  UNIQUE (app, version)
) STRICT;

-- Token ids that were presented. The primary key is the check: a second insert fails.
CREATE TABLE burnt_tokens (
  id      BLOB PRIMARY KEY,
  expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Values are sealed under the master key; app, class and name are bound to them.
CREATE TABLE secrets (
  app            TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
  evidence_class TEXT NOT NULL,
  name           TEXT NOT NULL,
  sealed         BLOB NOT NULL,
  updated        INTEGER NOT NULL,
  PRIMARY KEY (app, evidence_class, name)
) STRICT, WITHOUT ROWID;

-- The platform's own keys, sealed under the master key, and their certificates.
CREATE TABLE platform_keys (
  name        TEXT PRIMARY KEY,
  sealed      BLOB NOT NULL,
  certificate BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE leases (
  deployment BLOB NOT NULL REFERENCES deployments (id) ON DELETE CASCADE,
  host       BLOB NOT NULL,
  module_id  TEXT NOT NULL,
  granted    INTEGER NOT NULL,
  until      INTEGER NOT NULL,
  grants     INTEGER NOT NULL DEFAULT 1,
  PRIMARY KEY (deployment, host, module_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE audit (
  id      INTEGER PRIMARY KEY AUTOINCREMENT,
  time    INTEGER NOT NULL,
  actor   TEXT NOT NULL,
  action  TEXT NOT NULL,
  subject TEXT NOT NULL,
  code    TEXT NOT NULL,
  detail  TEXT NOT NULL
) STRICT;
)sql",
                                                 // A deployment from before has none on record: its host opens no egress port.
                                                 R"sql(
ALTER TABLE deployments ADD COLUMN egress TEXT NOT NULL DEFAULT '';
)sql",
                                               R"sql(
-- The engine: key pairs of apps (the private half is wrapped under the engine's own master key), data roles, and who may have
-- what opened. The newest version of a curve encrypts, all of them decrypt.
CREATE TABLE engine_keys (
  app     TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
  curve   TEXT NOT NULL,
  version INTEGER NOT NULL,
  public  BLOB NOT NULL,
  wrapped BLOB NOT NULL,
  created INTEGER NOT NULL,
  PRIMARY KEY (app, curve, version)
) STRICT, WITHOUT ROWID;

CREATE TABLE roles (
  app     TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
  name    TEXT NOT NULL,
  created INTEGER NOT NULL,
  PRIMARY KEY (app, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE decrypt_policies (
  app     TEXT PRIMARY KEY REFERENCES apps (id) ON DELETE CASCADE,
  policy  TEXT NOT NULL,
  updated INTEGER NOT NULL
) STRICT;
)sql"};

}  // namespace cages::server
