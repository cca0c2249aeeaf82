// SPDX-License-Identifier: Apache-2.0
// What the foreign init tries against its host and its platform. Each prints "attack NAME OUTCOME".
#ifndef FOREIGN_ATTACKS_H
#define FOREIGN_ATTACKS_H

#include "identity.h"

typedef struct {
  const Keys* keys;
  const unsigned char* root_hash;
  const char* used_token;       // the one that it was provisioned with
  const Buffer* used_document;
  const char* other_name;       // another cage's host name
  const char* other_deployment;
  const char* (*new_token)(void);
} Booty;

void attack_control(void);
void attack_floods(void);
void attack_provisioner(const Booty* booty);
void attack_ports(void);

#endif
