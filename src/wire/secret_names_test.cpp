// SPDX-License-Identifier: Apache-2.0
#include "wire/secret_names.h"

#include <gtest/gtest.h>

namespace cages::wire {
namespace {

TEST(SecretNames, RefusesWhatLoadersRuntimesShellsProxiesAndTlsRead) {
  for (const char* name : {"LD_PRELOAD",
                           "LD_LIBRARY_PATH",
                           "LD_AUDIT",
                           "GLIBC_TUNABLES",
                           "GCONV_PATH",
                           "LOCPATH",
                           "TZDIR",
                           "PATH",
                           "HOME",
                           "BASH_ENV",
                           "ENV",
                           "IFS",
                           "PS4",
                           "HTTP_PROXY",
                           "https_proxy",
                           "ALL_PROXY",
                           "NO_PROXY",
                           "SSL_CERT_FILE",
                           "SSL_CERT_DIR",
                           "OPENSSL_CONF",
                           "OPENSSL_MODULES",
                           "SSLKEYLOGFILE",
                           "PYTHONPATH",
                           "PYTHONSTARTUP",
                           "NODE_OPTIONS",
                           "NODE_EXTRA_CA_CERTS",
                           "NODE_PATH",
                           "JAVA_TOOL_OPTIONS",
                           "_JAVA_OPTIONS",
                           "JDK_JAVA_OPTIONS",
                           "CLASSPATH",
                           "PERL5LIB",
                           "PERL5OPT",
                           "RUBYOPT",
                           "RUBYLIB",
                           "PHPRC",
                           "PHP_INI_SCAN_DIR",
                           "DOTNET_STARTUP_HOOKS",
                           "CORECLR_PROFILER",
                           "LUA_PATH",
                           "ERL_FLAGS",
                           "GODEBUG",
                           "GIT_SSH_COMMAND",
                           "REQUESTS_CA_BUNDLE",
                           "CURL_CA_BUNDLE",
                           "CAGE_URL",
                           "ld_preload",
                           "Path"}) {
    EXPECT_FALSE(reserved_secret_name(name).empty()) << name;
  }
}

TEST(SecretNames, LeavesOrdinaryNamesAlone) {
  for (const char* name :
       {"API_KEY", "DATABASE_URL", "STRIPE_SECRET_KEY", "JWT_SECRET", "GOOGLE_API_KEY", "GITHUB_TOKEN",
        "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "REDIS_URL", "SMTP_PASSWORD", "NPM_TOKEN", "PGPASSWORD",
        "LDAP_PASSWORD", "KEY", "TLS_KEY", "SESSION_SECRET", "RSA_PRIVATE_KEY", "SPRING_DATASOURCE_PASSWORD"}) {
    EXPECT_EQ(reserved_secret_name(name), "") << name;
  }
}

}  // namespace
}  // namespace cages::wire
