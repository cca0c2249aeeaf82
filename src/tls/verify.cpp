// SPDX-License-Identifier: Apache-2.0
#include "tls/verify.h"

#include <arpa/inet.h>
#include <openssl/x509v3.h>

#include <array>

#include "base/check.h"
#include "tls/state.h"

namespace cages::tls {
namespace {

std::vector<Bytes> chain_of(X509_STORE_CTX* store) {
  std::vector<Bytes> chain;
  auto add = [&](const X509* certificate) {
    unsigned char* out = nullptr;
    const int length = i2d_X509(certificate, &out);
    if (length <= 0) return;
    chain.emplace_back(out, out + length);
    OPENSSL_free(out);
  };
  X509* leaf = X509_STORE_CTX_get0_cert(store);
  add(leaf);
  const STACK_OF(X509)* sent = X509_STORE_CTX_get0_untrusted(store);
  // What the peer sent begins with the leaf itself.
  for (int i = 0; i < sk_X509_num(sent); ++i) {
    if (sk_X509_value(sent, i) != leaf) add(sk_X509_value(sent, i));
  }
  return chain;
}

bool is_address(const std::string& name) {
  std::array<unsigned char, 16> ignored{};
  return ::inet_pton(AF_INET, name.c_str(), ignored.data()) == 1 ||
         ::inet_pton(AF_INET6, name.c_str(), ignored.data()) == 1;
}

// RFC 9525: names in subjectAltName alone, and a wildcard is a whole label.
bool names(X509* leaf, const std::string& host) {
  if (is_address(host)) return X509_check_ip_asc(leaf, host.c_str(), 0) == 1;
  const unsigned flags = X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS;
  return X509_check_host(leaf, host.data(), host.size(), flags, nullptr) == 1;
}

Result<void> examine(X509_STORE_CTX* store, PeerJudge& judge) {
  X509* leaf = X509_STORE_CTX_get0_cert(store);
  if (judge.chain) {
    X509_VERIFY_PARAM_set_time(X509_STORE_CTX_get0_param(store), unix_seconds(judge.clock->wall()));
    if (!CAGES_CHECK("TLS_CERTIFICATE", X509_verify_cert(store) == 1)) {
      const char* why = X509_verify_cert_error_string(X509_STORE_CTX_get_error(store));
      return fail(Code::TLS_CERTIFICATE, "", "a chain to a trusted authority, valid now", why);
    }
    if (!judge.host_name.empty() && !CAGES_CHECK("TLS_NAME", names(leaf, judge.host_name))) {
      X509_STORE_CTX_set_error(store, X509_V_ERR_HOSTNAME_MISMATCH);
      return fail(Code::TLS_NAME, "", printable(judge.host_name), "a certificate for other names");
    }
  }
  if (!judge.check) return {};
  auto checked = judge.check(chain_of(store));
  if (!checked) X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
  return checked;
}

}  // namespace

int judge(X509_STORE_CTX* store, void*) {
  const auto* ssl = static_cast<const SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  PeerJudge& mine = TlsStream::State::of(ssl).judge;
  auto verdict = examine(store, mine);
  if (verdict) return 1;
  mine.refusal = std::move(verdict).error();
  if (X509_STORE_CTX_get_error(store) == X509_V_OK)
    X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
  return 0;
}

void set_judge(SSL_CTX* context) { SSL_CTX_set_cert_verify_callback(context, judge, nullptr); }

}  // namespace cages::tls
