// SPDX-License-Identifier: Apache-2.0
#include "nsm/authority.h"

#include <algorithm>

namespace cages::nsm {
namespace {

using crypto::KeyUsage;
using std::chrono::seconds;
using namespace std::chrono_literals;

constexpr std::string_view kInstanceMark = "i-";
constexpr std::size_t kInstanceDigits = 17;
constexpr std::string_view kSlotMark = "-enc";
constexpr std::size_t kSlotDigits = 16;

// Where an AWS name has the region and "aws".
constexpr std::string_view kDomain = ".development.cages";

// From issue to end; each is valid for an hour before.
constexpr seconds kBackdate = 1h;
constexpr seconds kRegionalLife = std::chrono::days(20);
constexpr seconds kZonalLife = 137h;  // 5.75 days in all
constexpr seconds kInstanceLife = 23h;

bool lower_hex(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

std::string in_domain(std::string_view label) {
  std::string name(label);
  name += kDomain;
  return name;
}

}  // namespace

// No CRL distribution point, unlike AWS's: there is no list, and nothing here names an address on a network.
struct Authority::Profile {
  std::string common_name;
  Bytes serial;
  seconds backdate;
  seconds life;
  std::optional<unsigned> path_len;  // none: the leaf
};

Result<ModuleId> ModuleId::parse(std::string_view text) {
  constexpr std::size_t kMark = kInstanceMark.size() + kInstanceDigits;
  constexpr std::size_t kSlot = kMark + kSlotMark.size();
  if (text.size() != kSlot + kSlotDigits || !text.starts_with(kInstanceMark) ||
      text.substr(kMark, kSlotMark.size()) != kSlotMark ||
      !lower_hex(text.substr(kInstanceMark.size(), kInstanceDigits)) || !lower_hex(text.substr(kSlot))) {
    return fail(Code::USAGE, "module id", "i-<17 hex>-enc<16 hex>", printable(text));
  }
  TRY_ASSIGN(const Bytes bytes, parse_hex(text.substr(kSlot)));
  std::array<Byte, 8> slot{};
  std::ranges::copy(bytes, slot.begin());
  return ModuleId(text, text.substr(0, kMark), slot);
}

WallTime Authority::now() const { return std::chrono::floor<seconds>(clock_.wall()); }

bool Authority::covers(const crypto::Certificate& certificate, seconds life) const {
  return certificate.not_before() <= now() && now() + life <= certificate.not_after();
}

Bytes Authority::random_serial(std::size_t bytes) {
  Bytes serial(bytes);
  random_.fill(serial);
  serial[0] = static_cast<Byte>((serial[0] & 0x7f) | 0x40);  // positive, and never shorter
  return serial;
}

// The slot, four zero bytes, the time of issue.
Bytes Authority::leaf_serial() {
  Bytes serial = to_bytes(module_.slot());
  serial.resize(12);
  const auto issued = static_cast<std::uint32_t>(unix_seconds(now()));
  for (int shift = 24; shift >= 0; shift -= 8) serial.push_back(static_cast<Byte>(issued >> shift));
  return serial;
}

std::string Authority::random_label() { return hex(random_.array<8>()); }

Result<Authority::Level> Authority::issue(const Profile& profile, const crypto::PrivateKey& issuer_key,
                                          const crypto::Certificate& issuer) {
  TRY_ASSIGN(crypto::PrivateKey key, crypto::PrivateKey::generate(crypto::Curve::p384));
  TRY_ASSIGN(const Bytes subject, development_name(profile.common_name));
  crypto::CertificateFields fields{.serial = profile.serial,
                                   .issuer = issuer.subject(),
                                   .subject = subject,
                                   .not_before = now() - profile.backdate,
                                   .not_after = now() + profile.life,
                                   .extensions = {}};
  if (!profile.path_len) {
    fields.extensions = {crypto::basic_constraints(false),
                         crypto::key_usage({KeyUsage::digital_signature, KeyUsage::non_repudiation}, false)};
  } else {
    const auto own = crypto::subject_key_id(crypto::key_id(key.public_key()));
    const auto authority = crypto::authority_key_id(crypto::key_id(issuer_key.public_key()));
    // An instance's key signs leaves and nothing else.
    const auto usage = *profile.path_len == 0 ? crypto::key_usage({KeyUsage::key_cert_sign})
                                              : crypto::key_usage({KeyUsage::digital_signature, KeyUsage::key_cert_sign,
                                                                   KeyUsage::crl_sign});
    fields.extensions = {crypto::basic_constraints(true, profile.path_len), authority, own, usage};
  }
  TRY_ASSIGN(crypto::Certificate certificate, crypto::issue(fields, key.public_key(), issuer_key));
  return Level{std::move(key), std::move(certificate)};
}

// A level is renewed where it would end before what it has to sign; so no certificate outlives the one above it.
Result<void> Authority::renew() {
  if (!instance_ || !covers(instance_->certificate, kLeafLife)) {
    if (!zonal_ || !covers(zonal_->certificate, kInstanceLife)) {
      if (!regional_ || !covers(regional_->certificate, kZonalLife)) {
        if (!covers(root_.certificate(), kRegionalLife)) {
          return fail(Code::MACHINE, "development root", "a root valid at this machine's time", "one that is not");
        }
        const Profile regional{in_domain(random_label()), random_serial(16), kBackdate, kRegionalLife, 2};
        TRY_ASSIGN(regional_, issue(regional, root_.key(), root_.certificate()));
      }
      const Profile zonal{in_domain(random_label() + ".zonal"), random_serial(16), kBackdate, kZonalLife, 1};
      TRY_ASSIGN(zonal_, issue(zonal, regional_->key, regional_->certificate));
    }
    const Profile instance{in_domain(module_.instance()), random_serial(20), kBackdate, kInstanceLife, 0};
    TRY_ASSIGN(instance_, issue(instance, zonal_->key, zonal_->certificate));
  }
  const Profile leaf{in_domain(module_.text()), leaf_serial(), kLeafBackdate, kLeafLife, std::nullopt};
  TRY_ASSIGN(leaf_, issue(leaf, instance_->key, instance_->certificate));
  return {};
}

Result<Signer> Authority::signer() {
  if (!leaf_ || !covers(leaf_->certificate, kLeafRenewal)) TRY(renew());
  return Signer{leaf_->key,
                leaf_->certificate.der(),
                {root_.certificate().der(), regional_->certificate.der(), zonal_->certificate.der(),
                 instance_->certificate.der()}};
}

}  // namespace cages::nsm
