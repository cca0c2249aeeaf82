// SPDX-License-Identifier: Apache-2.0
// Registry: apps, their deployments, and the hosts that run them. What may be deployed, where it runs, and when it stops. For
// caged's API and its host link.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "crypto/certificate.h"
#include "server/registry/blobs.h"
#include "server/registry/image.h"
#include "server/store/store.h"
#include "wire/host_link.h"

namespace cages::server {

struct DeployRequest {
  std::string app;             // id or name
  std::string evidence_class;  // empty: the default
  std::int64_t memory_mib = 0;
  std::int64_t cpus = 0;
};

class Registry {
 public:
  struct Settings {
    std::string domain = "localhost";
    bool development = false;
    std::string default_class{kClassNitro};
    std::vector<std::string> classes{std::string(kClassNitro)};  // whose roots this caged knows
  };
  // lifetime: everything outlives it.
  Registry(Settings settings, Store& store, Blobs& blobs, crypto::Random& random)
      : settings_(std::move(settings)), store_(store), blobs_(blobs), random_(random) {}

  // create_app: USAGE where the name is not [a-z][a-z0-9-]{0,31}; EXISTS.
  Result<App> create_app(std::string_view name);
  // find_app: NOT_FOUND.
  Result<App> find_app(std::string_view id_or_name);

  // deploy records an uploaded image as the app's next version, state rolling, with the egress list that its measured
  // manifest holds. `image`: what measure_image says of the blob. EGRESS_ENTRY; PROV_CLASS for a class
  // that this caged does not take; NO_KERNEL for class nitro; PROV_SIGNER where the app's policy refuses its signer.
  Result<Deployment> deploy(const DeployRequest& request, const Blob& blob, const MeasuredImage& image);
  // forget removes an image that deploy() refused, unless a deployment was made from the same bytes before.
  Result<void> forget(const Blob& blob);
  // revoke ends leases of a version for good; release only drains it. NOT_FOUND.
  Result<Deployment> revoke(std::string_view app, std::int64_t version);
  Result<Deployment> release(std::string_view app, std::int64_t version);

  // set_secret: SECRET_NAME for names that loaders, shells or TLS libraries read, or that are none; PROV_CLASS; LIMIT above
  // kSecretBytesMax.
  Result<void> set_secret(const App& app, std::string_view evidence_class, std::string_view name, const Secret& value);

  // enrol_code makes a one-time code for a host called `name`; `hosts_root` is what the host will know this caged by.
  Result<std::string> enrol_code(std::string_view name, std::optional<Digest384> pcr3, std::optional<Digest384> pcr4,
                                 const crypto::PublicKey& hosts_root);
  // untrusted: enrol takes a code and the host's key. ENROL_CODE, all the same, where the code is unknown, used, wrong or late.
  Result<Host> enrol(std::string_view code, const crypto::PublicKey& key);

  // known_host: the host with this certificate key. HOST_REVOKED where there is none, or not any more.
  Result<Host> known_host(const crypto::PublicKey& key);
  // place gives deployments without a host to this one, as far as its drivers can run their class.
  Result<void> place(const Host& host, const std::vector<std::string>& drivers);
  // assignments: what the host is to run or drain; classes that this caged does not take are left out.
  Result<wire::Assignments> assignments(const Host& host);
  // report takes what a host says of a deployment: `ready` makes a rolling one live and drains those it replaces.
  Result<void> report(const Host& host, const wire::InstanceReport& report);

  [[nodiscard]] bool takes_class(std::string_view evidence_class) const;
  [[nodiscard]] const Settings& settings() const { return settings_; }
  [[nodiscard]] std::filesystem::path image_path(const Deployment& deployment) const {
    return blobs_.path(deployment.image_sha256);
  }

 private:
  Result<Deployment> change(std::string_view app, std::int64_t version, DeploymentState state);
  Settings settings_;
  Store& store_;
  Blobs& blobs_;
  crypto::Random& random_;
};

// check_secret_names: SECRET_NAME where an image, perhaps made elsewhere, asks for secrets that `cage build` refuses.
Result<void> check_secret_names(const wire::Manifest& manifest);

}  // namespace cages::server
