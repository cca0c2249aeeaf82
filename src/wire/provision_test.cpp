// SPDX-License-Identifier: Apache-2.0
#include "wire/provision.h"

#include <gtest/gtest.h>

#include "base/limits.h"
#include "wire/enrol_code.h"
#include "wire/frame.h"
#include "wire/host_link.h"
#include "wire/transcript.h"

namespace cages::wire {
namespace {

Bytes payload(const Bytes& frame) { return {frame.begin() + kFrameLengthBytes, frame.end()}; }

TEST(Provision, RoundTripsHelloGrantAndRefusal) {
  const ProvisionHello hello{{1, 2, 3}, {4, 5}};
  EXPECT_EQ(parse_provision_hello(payload(write_provision(hello))).value(), hello);
  const ProvisionAnswer grant = ProvisionGrant{{{1}, {2, 3}}, Bytes(32, 7), Bytes(100, 8)};
  EXPECT_EQ(parse_provision_answer(payload(write_provision(grant))).value(), grant);
  const ProvisionAnswer refused = ProvisionRefused{"TOKEN_EXPIRED"};
  EXPECT_EQ(parse_provision_answer(payload(write_provision(refused))).value(), refused);
}

TEST(Provision, KeepsDirectionsApart) {
  const Bytes hello = payload(write_provision(ProvisionHello{{1}, {2}}));
  const Bytes refused = payload(write_provision(ProvisionAnswer(ProvisionRefused{"X"})));
  EXPECT_EQ(parse_provision_answer(hello).error().code, Code::MESSAGE_TYPE);
  EXPECT_EQ(parse_provision_hello(refused).error().code, Code::MESSAGE_TYPE);
}

TEST(Provision, BoundsEveryField) {
  EXPECT_EQ(parse_provision_hello(payload(write_provision(ProvisionHello{Bytes(limits::kDocumentBytesMax + 1), {}})))
                .error().code, Code::LIMIT);
  EXPECT_EQ(parse_provision_hello(payload(write_provision(ProvisionHello{{}, Bytes(limits::kCsrBytesMax + 1)})))
                .error().code, Code::LIMIT);
  EXPECT_EQ(parse_provision_answer(payload(write_provision(ProvisionAnswer(ProvisionGrant{{}, {}, {}})))).error().code,
            Code::LIMIT);
  EXPECT_EQ(parse_provision_answer(
                payload(write_provision(ProvisionAnswer(ProvisionGrant{std::vector<Bytes>(5), {}, {}})))).error().code,
            Code::LIMIT);
}

TEST(Provision, SealsSecretsInOrder) {
  ProvisionSecrets secrets;
  secrets.secrets.push_back({"A", Secret::copy_of(as_bytes("1"))});
  secrets.secrets.push_back({"B", Secret::copy_of(as_bytes("2"))});
  secrets.engine_token = "t";
  secrets.engine_token_expires_at = 9;
  const Secret plain = write_provision_secrets(secrets).value();
  const ProvisionSecrets read = parse_provision_secrets(plain).value();
  ASSERT_EQ(read.secrets.size(), 2U);
  EXPECT_EQ(read.secrets[1].name, "B");
  EXPECT_EQ(as_text(read.secrets[1].value.reveal()), "2");
  EXPECT_EQ(read.engine_token, "t");
  EXPECT_EQ(read.engine_token_expires_at, 9);
  std::swap(secrets.secrets[0], secrets.secrets[1]);
  EXPECT_EQ(parse_provision_secrets(write_provision_secrets(secrets).value()).error().code, Code::DUPLICATE_KEY);
  secrets.secrets.clear();
  secrets.secrets.push_back({"A", Secret(limits::kProvisionSecretsBytesMax)});
  EXPECT_EQ(write_provision_secrets(secrets).error().code, Code::LIMIT);
}

// The largest grant is one frame.
TEST(Provision, TheLargestGrantFits) {
  const ProvisionGrant grant{std::vector<Bytes>(limits::kGrantChainMax, Bytes(limits::kGrantCertificateBytesMax)), Bytes(32),
                             Bytes(limits::kProvisionSecretsBytesMax + 16)};
  EXPECT_TRUE(parse_provision_answer(payload(write_provision(ProvisionAnswer(grant)))));
}

TEST(Transcript, CannotBeReadTwoWays) {
  EXPECT_EQ(hex(transcript({as_bytes("a"), as_bytes("bc")})), "00016100026263");
  EXPECT_NE(transcript({as_bytes("ab"), as_bytes("c")}), transcript({as_bytes("a"), as_bytes("bc")}));
}

TEST(HostLink, RoundTripsEveryMessage) {
  Id id;
  id.fill(5);
  for (const HostOpening& m : {HostOpening(EnrolRequest{"code", {1}}), HostOpening(OpenSession{"cage-host 0.1", {"process"}}),
                               HostOpening(OpenImage{id}), HostOpening(OpenProvisioner{id}), HostOpening(OpenEgressList{id})}) {
    EXPECT_EQ(parse_host_opening(payload(write_host_link(m))).value(), m);
  }
  for (const HostSessionUp& m : {HostSessionUp(LinkTokenRequest{7, id}), HostSessionUp(InstanceReport{id, "ready", "ok"}),
                                 HostSessionUp(HostAlive{})}) {
    EXPECT_EQ(parse_host_session_up(payload(write_host_link(m))).value(), m);
    EXPECT_FALSE(parse_host_opening(payload(write_host_link(m))));
    EXPECT_FALSE(parse_host_link_down(payload(write_host_link(m))));
  }
  Assignment assignment;
  assignment.deployment = id;
  assignment.cage = "pay";
  assignment.names = {"pay.app-1.localhost"};
  assignment.evidence_class = "nitro";
  assignment.version = 3;
  assignment.image_bytes = 1000;
  assignment.memory_mib = 512;
  assignment.cpus = 2;
  assignment.drain = true;
  Assignment reaching = assignment;
  reaching.egress = ListDigest{1, 2, 3, 4, 5, 6, 7, 8};
  for (const HostLinkDown& m :
       {HostLinkDown(Enrolled{id, {{1}, {2}}}), HostLinkDown(ImageHead{12, {}}), HostLinkDown(Accepted{}),
        HostLinkDown(LinkRefused{"CHAIN"}), HostLinkDown(Assignments{{assignment, reaching}}), HostLinkDown(Assignments{}),
        HostLinkDown(LinkToken{1, "t"}), HostLinkDown(LinkTokenRefused{1, "X"})}) {
    EXPECT_EQ(parse_host_link_down(payload(write_host_link(m))).value(), m);
    EXPECT_FALSE(parse_host_session_up(payload(write_host_link(m))));
  }
}

TEST(HostLink, TakesNoListDigestOfAnotherLength) {
  Assignment reaching;
  reaching.egress = ListDigest{1, 2, 3, 4, 5, 6, 7, 8};
  Bytes frame = write_host_link(HostLinkDown(Assignments{{reaching}}));
  frame.pop_back();
  frame[frame.size() - 8] = 0x47;
  EXPECT_EQ(error_class(parse_host_link_down(payload(frame)).error()), "TYPE egress");
}

TEST(EnrolCode, RoundTripsAndTakesNothingElse) {
  EnrolCode code;
  code.id.fill(1);
  code.secret.fill(2);
  code.root.fill(3);
  const std::string text = write_enrol_code(code);
  EXPECT_LE(text.size(), limits::kEnrolCodeBytesMax);
  EXPECT_EQ(parse_enrol_code(" " + text + "\n").value().root, code.root);
  for (const std::string& bad : {std::string(), text + ".", text + "A", text.substr(1), std::string("a.b.c")}) {
    EXPECT_EQ(parse_enrol_code(bad).error().code, Code::ENROL_CODE) << bad;
  }
}

TEST(HostLink, TheLongestListFits) {
  Assignment a;
  a.cage = std::string(32, 'c');
  a.names = {std::string(100, 'n')};
  a.evidence_class = "development:" + std::string(64, 'f');
  a.egress.emplace();
  EXPECT_TRUE(parse_host_link_down(payload(write_host_link(
      HostLinkDown(Assignments{std::vector<Assignment>(limits::kAssignmentsMax, a)})))));
  EXPECT_EQ(parse_host_link_down(payload(write_host_link(
                HostLinkDown(Assignments{std::vector<Assignment>(limits::kAssignmentsMax + 1, a)})))).error().code,
            Code::LIMIT);
}

}  // namespace
}  // namespace cages::wire
