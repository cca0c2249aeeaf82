// SPDX-License-Identifier: Apache-2.0
// Files from elsewhere that lie: enclave images, container images, release statements.
#include "attacks/attack.h"
#include "base/json.h"
#include "crypto/release_statement.h"
#include "eif/check.h"
#include "eif/measure.h"
#include "eif/signature.h"
#include "image/layers.h"
#include "support/image.h"
#include "support/raw_eif.h"
#include "support/tar.h"

namespace cages::attacks {
namespace {

crypto::PrivateKey key() { return crypto::PrivateKey::generate(crypto::Curve::p384).value(); }

crypto::Certificate certificate_of(const crypto::PrivateKey& of, std::string_view name) {
  const Bytes subject = crypto::common_name(name).value();
  const crypto::CertificateFields fields{.serial = {1},
                                         .issuer = subject,
                                         .subject = subject,
                                         .not_before = from_unix_seconds(1'700'000'000),
                                         .not_after = from_unix_seconds(2'000'000'000),
                                         .extensions = {}};
  return crypto::issue(fields, of.public_key(), of).value();
}

std::string check(ByteView file) { return class_of(eif::check(eif::EifFile::open(eif::memory_source(file)).value())); }

test::RawEif signed_eif(const crypto::PrivateKey& of, const crypto::Certificate& certificate) {
  test::RawEif eif = test::sample_eif();
  const Bytes plain = test::build(eif);
  const auto measured = eif::measure(eif::EifFile::open(eif::memory_source(plain)).value()).value();
  const crypto::RandomizedSigner signer(of);
  eif.sections.push_back({4, eif::make_signature(certificate, signer, measured.pcrs.pcr0).value()});
  return eif;
}

std::string changed_in_transit() {
  Bytes bytes = test::build(test::sample_eif());
  bytes.back() ^= 1;
  return check(bytes);
}

std::string changed_after_signing() {
  const crypto::PrivateKey signer = key();
  test::RawEif eif = signed_eif(signer, certificate_of(signer, "ours"));
  eif.sections[4].data[0] ^= 1;  // build() makes the checksum fit again
  return check(test::build(eif));
}

std::string foreign_certificate() {
  const crypto::PrivateKey ours = key();
  test::RawEif eif = signed_eif(ours, certificate_of(ours, "ours"));
  eif::Signature signature = eif::parse_signature(eif.sections.back().data).value();
  signature.certificate_pem = certificate_of(key(), "theirs").pem();
  eif.sections.back().data = eif::write_signature(signature).value();
  return check(test::build(eif));
}

std::vector<Attack> enclave_images() {
  return {{"changed_in_transit", "EIF_CRC", changed_in_transit},
          {"changed_after_signing", "EIF_SIGNATURE", changed_after_signing},
          {"foreign_certificate", "EIF_SIGNATURE", foreign_certificate}};
}

std::string another_layer() {
  const cages::testing::TemporaryFolder folder;
  cages::testing::OciImage(folder.path())
      .write({cages::testing::tar({{.name = "x", .content = "content"}})},
             R"({"architecture":"amd64","os":"linux","rootfs":{"diff_ids":["sha256:)" + std::string(64, '0') + R"("]}})");
  image::LoadOptions options;
  options.spool_folder = folder.path();
  options.architecture = "amd64";
  return class_of(image::load_oci_layout(folder.path(), options));
}

std::string layer_with(std::vector<cages::testing::TarEntry> entries) {
  return class_of(cages::testing::load_layers({cages::testing::tar(std::move(entries))}));
}

std::vector<Attack> container_images() {
  return {{"another_layer", "IMAGE_DIGEST", another_layer},
          {"absolute_path", "IMAGE_PATH", [] { return layer_with({{.name = "/etc/passwd", .content = "x"}}); }},
          {"path_to_the_parent", "IMAGE_PATH", [] { return layer_with({{.name = "a/../../x", .content = "x"}}); }},
          {"absolute_hard_link", "IMAGE_PATH", [] {
             return layer_with({{.name = "etc/shadow", .content = "x"}, {.name = "x", .type = '1', .link = "/etc/shadow"}});
           }}};
}

std::string statement_of_another() {
  wire::ReleaseStatement statement;
  statement.app = "payments";
  statement.counter = 7;
  statement.pcr0.fill(1);
  statement.pcr1.fill(2);
  statement.pcr2.fill(3);
  statement.runtime = "0.1.0 networked x86_64";
  statement.not_after = 1'800'000'000;
  const crypto::PrivateKey theirs = key();
  const crypto::RandomizedSigner signer(theirs);
  return class_of(crypto::verify_release_file(crypto::write_release_file(statement, &signer).value(), key().public_key()));
}

std::vector<Attack> statements() { return {{"signed_by_another", "RELEASE_STATEMENT", statement_of_another}}; }

TEST_P(Attempt, IsRefusedByOneCheck) { EXPECT_EQ(GetParam().attempt(), GetParam().refused_as); }
INSTANTIATE_TEST_SUITE_P(EnclaveImage, Attempt, ::testing::ValuesIn(enclave_images()), attack_name);
INSTANTIATE_TEST_SUITE_P(ContainerImage, Attempt, ::testing::ValuesIn(container_images()), attack_name);
INSTANTIATE_TEST_SUITE_P(Release, Attempt, ::testing::ValuesIn(statements()), attack_name);

}  // namespace
}  // namespace cages::attacks
