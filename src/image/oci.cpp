// SPDX-License-Identifier: Apache-2.0
#include "image/oci.h"

#include <algorithm>

#include "base/json.h"
#include "base/limits.h"
#include "base/text.h"

namespace cages::image {
namespace {

std::unexpected<Error> bad(std::string_view member, std::string expected, std::string got = "something else") {
  return fail(Code::IMAGE, std::string(member), std::move(expected), std::move(got));
}

Result<Json> parse(ByteView bytes, std::string_view what) {
  auto json = parse_json(as_text(bytes), limits::kImageJsonBytesMax);
  if (!json) return bad(what, "JSON", json.error().got);
  return json;
}

// Optional members: absent and null are the same, as in Go.
Result<std::string> text_of(const Json& object, std::string_view member) {
  const Json* value = object.find(member);
  if (value == nullptr || value->is_null()) return std::string();
  if (value->as_string() == nullptr) return bad(member, "a string");
  if (value->as_string()->find('\0') != std::string::npos) return bad(member, "no NUL", "one");
  return *value->as_string();
}

Result<std::int64_t> integer_of(const Json& object, std::string_view member) {
  const Json* value = object.find(member);
  if (value == nullptr || value->is_null()) return std::int64_t{0};
  if (value->as_int() == nullptr) return bad(member, "an integer");
  return *value->as_int();
}

// A list of strings; one string stands for a list of one, as Docker reads it.
Result<std::vector<std::string>> texts_of(const Json& object, std::string_view member) {
  std::vector<std::string> out;
  const Json* value = object.find(member);
  if (value == nullptr || value->is_null()) return out;
  if (value->as_string() != nullptr) {
    TRY_ASSIGN(std::string only, text_of(object, member));
    out.push_back(std::move(only));
    return out;
  }
  if (value->as_array() == nullptr) return bad(member, "a list of strings");
  for (const Json& item : *value->as_array()) {
    if (item.as_string() == nullptr) return bad(member, "a list of strings");
    if (item.as_string()->find('\0') != std::string::npos) return bad(member, "no NUL", "one");
    out.push_back(*item.as_string());
  }
  return out;
}

Result<Descriptor> descriptor(const Json& json, std::string_view what) {
  if (!json.is_object()) return bad(what, "a descriptor");
  Descriptor out;
  TRY_ASSIGN(out.media_type, text_of(json, "mediaType"));
  TRY_ASSIGN(const std::string digest, text_of(json, "digest"));
  TRY_ASSIGN(out.digest, parse_digest(digest));
  TRY_ASSIGN(const std::int64_t size, integer_of(json, "size"));
  if (size < 0) return bad("size", "a size", std::to_string(size));
  out.size = static_cast<std::uint64_t>(size);
  if (const Json* platform = json.find("platform"); platform != nullptr && platform->is_object()) {
    TRY_ASSIGN(out.architecture, text_of(*platform, "architecture"));
    TRY_ASSIGN(out.os, text_of(*platform, "os"));
  }
  return out;
}

Result<void> read_environment(const Json& config, ImageConfig& out) {
  TRY_ASSIGN(const std::vector<std::string> lines, texts_of(config, "Env"));
  for (const std::string& line : lines) {
    const std::size_t equals = line.find('=');
    if (equals == 0 || equals == std::string::npos) return bad("Env", "NAME=value", printable(line));
    std::pair<std::string, std::string> variable(line.substr(0, equals), line.substr(equals + 1));
    const auto same = std::ranges::find(out.env, variable.first, &std::pair<std::string, std::string>::first);
    if (same != out.env.end()) {
      same->second = variable.second;  // the later one wins, as in Docker
    } else {
      out.env.push_back(std::move(variable));
    }
  }
  return {};
}

Result<void> read_healthcheck(const Json& config, ImageConfig& out) {
  const Json* json = config.find("Healthcheck");
  if (json == nullptr || json->is_null()) return {};
  if (!json->is_object()) return bad("Healthcheck", "an object");
  Healthcheck check;
  TRY_ASSIGN(check.test, texts_of(*json, "Test"));
  TRY_ASSIGN(check.interval_ns, integer_of(*json, "Interval"));
  if (!check.test.empty()) out.healthcheck = std::move(check);
  return {};
}

Result<void> read_run_settings(const Json& config, ImageConfig& out) {
  TRY_ASSIGN(out.entrypoint, texts_of(config, "Entrypoint"));
  TRY_ASSIGN(out.cmd, texts_of(config, "Cmd"));
  TRY_ASSIGN(out.user, text_of(config, "User"));
  TRY_ASSIGN(out.workdir, text_of(config, "WorkingDir"));
  TRY_ASSIGN(out.stop_signal, text_of(config, "StopSignal"));
  TRY(read_environment(config, out));
  TRY(read_healthcheck(config, out));
  const Json* ports = config.find("ExposedPorts");
  if (ports == nullptr || ports->is_null()) return {};
  if (!ports->is_object()) return bad("ExposedPorts", "an object");
  for (const auto& [port, nothing] : *ports->as_object()) out.exposed_ports.push_back(port);
  std::ranges::sort(out.exposed_ports);
  return {};
}

bool is_any(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::ranges::find(words, text) != words.end();
}

}  // namespace

bool Descriptor::is_index() const {
  return is_any(media_type, {"application/vnd.oci.image.index.v1+json",
                             "application/vnd.docker.distribution.manifest.list.v2+json"});
}

bool Descriptor::is_manifest() const {
  return media_type.empty() || is_any(media_type, {"application/vnd.oci.image.manifest.v1+json",
                                                   "application/vnd.docker.distribution.manifest.v2+json"});
}

Result<std::vector<Descriptor>> parse_index(ByteView bytes) {
  TRY_ASSIGN(const Json json, parse(bytes, "index"));
  const Json* list = json.find("manifests");
  if (list == nullptr || !list->is_array()) return bad("manifests", "a list");
  std::vector<Descriptor> out;
  for (const Json& item : *list->as_array()) {
    TRY_ASSIGN(Descriptor one, descriptor(item, "manifests"));
    out.push_back(std::move(one));
  }
  return out;
}

Result<OciManifest> parse_oci_manifest(ByteView bytes) {
  TRY_ASSIGN(const Json json, parse(bytes, "manifest"));
  OciManifest out;
  const Json* config = json.find("config");
  if (config == nullptr) return bad("config", "a descriptor", "none");
  TRY_ASSIGN(out.config, descriptor(*config, "config"));
  const Json* layers = json.find("layers");
  if (layers == nullptr || !layers->is_array()) return bad("layers", "a list");
  if (layers->as_array()->size() > limits::kImageLayersMax) {
    return fail(Code::IMAGE_LIMIT, "layers", "at most " + std::to_string(limits::kImageLayersMax),
                std::to_string(layers->as_array()->size()));
  }
  for (const Json& item : *layers->as_array()) {
    TRY_ASSIGN(Descriptor layer, descriptor(item, "layers"));
    out.layers.push_back(std::move(layer));
  }
  return out;
}

Result<DockerManifest> parse_docker_manifest(ByteView bytes) {
  TRY_ASSIGN(const Json json, parse(bytes, "manifest.json"));
  if (!json.is_array() || json.as_array()->size() != 1 || !json.as_array()->front().is_object()) {
    return bad("manifest.json", "one image",
               json.is_array() ? std::to_string(json.as_array()->size()) : "something else");
  }
  const Json& image = json.as_array()->front();
  DockerManifest out;
  TRY_ASSIGN(out.config, text_of(image, "Config"));
  TRY_ASSIGN(out.layers, texts_of(image, "Layers"));
  if (out.config.empty()) return bad("Config", "a name", "none");
  if (out.layers.size() > limits::kImageLayersMax) {
    return fail(Code::IMAGE_LIMIT, "layers", "at most " + std::to_string(limits::kImageLayersMax),
                std::to_string(out.layers.size()));
  }
  return out;
}

Result<ImageConfig> parse_image_config(ByteView bytes) {
  TRY_ASSIGN(const Json json, parse(bytes, "config"));
  if (!json.is_object()) return bad("config", "an object");
  ImageConfig out;
  TRY_ASSIGN(out.architecture, text_of(json, "architecture"));
  TRY_ASSIGN(out.os, text_of(json, "os"));
  if (const Json* config = json.find("config"); config != nullptr && config->is_object()) {
    TRY(read_run_settings(*config, out));
  }
  if (const Json* rootfs = json.find("rootfs"); rootfs != nullptr && rootfs->is_object()) {
    TRY_ASSIGN(const std::vector<std::string> ids, texts_of(*rootfs, "diff_ids"));
    for (const std::string& id : ids) {
      TRY_ASSIGN(Digest digest, parse_digest(id));
      out.diff_ids.push_back(std::move(digest));
    }
  }
  return out;
}

Result<Descriptor> choose_manifest(const std::vector<Descriptor>& index, std::string_view architecture) {
  std::vector<const Descriptor*> images;
  std::string seen;
  for (const Descriptor& one : index) {
    // "unknown" marks provenance records that builders put beside the image.
    if ((!one.is_manifest() && !one.is_index()) || one.architecture == "unknown") continue;
    images.push_back(&one);
    seen +=
        (seen.empty() ? "" : ", ") + (one.architecture.empty() ? std::string("unnamed") : printable(one.architecture));
  }
  if (images.size() == 1) return *images.front();
  std::erase_if(images, [&](const Descriptor* one) { return one->architecture != architecture; });
  if (images.size() == 1) return *images.front();
  return bad("manifests", "one image, or one for " + std::string(architecture), seen.empty() ? "none" : seen);
}

}  // namespace cages::image
