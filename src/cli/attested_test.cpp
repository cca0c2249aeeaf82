// SPDX-License-Identifier: Apache-2.0
// `cage attest` and `cage curl` against a cage on a TCP port, as a command line runs them.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "cli/options.h"
#include "support/served_cage.h"
#include "wire/pem.h"

namespace cages::cli {
namespace {

namespace fs = std::filesystem;

class Attested : public testing::Test {
 protected:
  Attested() {
    fs::create_directories(folder_ / ".cage");
    write("root.pem", wire::write_pem(served_.cage().documents.root().der(), wire::kPemCertificate));
    write("ca.pem", served_.cage().ca.certificate.pem());
    write("measurements.json", served_.measurements());
  }
  ~Attested() override { fs::remove_all(folder_); }

  void write(const std::string& name, const std::string& text) { std::ofstream(folder_ / name) << text; }
  [[nodiscard]] std::string path(const std::string& name) const { return (folder_ / name).string(); }

  int run(std::vector<std::string> words) {
    words.insert(words.begin(), "cage");
    std::vector<const char*> argv;
    for (const std::string& word : words) argv.push_back(word.c_str());
    std::vector<std::unique_ptr<Verb>> verbs;
    verbs.push_back(make_attest());
    verbs.push_back(make_curl());
    out_.str("");
    err_.str("");
    Terminal terminal{out_, err_, in_};
    return run_command_line(static_cast<int>(argv.size()), argv.data(), std::move(verbs), terminal);
  }
  // With everything said that this cage needs.
  int run_told(std::vector<std::string> words) {
    for (const std::string& more : {std::string("--measurements"), path("measurements.json"), std::string("--root"),
                                    path("root.pem"), std::string("--cacert"), path("ca.pem")}) {
      words.push_back(more);
    }
    return run(std::move(words));
  }

  test::ServedCage served_;
  fs::path folder_ = fs::temp_directory_path() / ("cages-attested-" + std::to_string(::getpid()));
  std::ostringstream out_;
  std::ostringstream err_;
  std::istringstream in_;
};

TEST_F(Attested, CurlPrintsTheBody) {
  EXPECT_EQ(run_told({"curl", served_.url()}), 0) << err_.str();
  EXPECT_EQ(out_.str(), "hello");
  EXPECT_NE(err_.str().find("development:"), std::string::npos);  // it says so unasked
  EXPECT_EQ(run_told({"curl", "-i", "-X", "PUT", "-d", "x", "-H", "A: b", served_.url()}), 0) << err_.str();
  EXPECT_NE(out_.str().find("HTTP/1.1 200"), std::string::npos);
  EXPECT_EQ(run_told({"curl", "-o", path("out"), served_.url()}), 0);
  EXPECT_EQ(fs::file_size(folder_ / "out"), 5U);
}

TEST_F(Attested, AttestSaysWhatWasProven) {
  EXPECT_EQ(run_told({"attest", served_.url()}), 0) << err_.str();
  EXPECT_NE(out_.str().find(served_.cage().claims.module_id), std::string::npos);
  EXPECT_EQ(run_told({"attest", "--json", "--binding", "fresh", served_.url()}), 0);
  EXPECT_EQ(parse_json(out_.str()).value().text_or("binding", ""), "fresh");
  EXPECT_EQ(run_told({"attest", "--resolve", "x.example:443:127.0.0.2", served_.url()}), 0);
}

TEST_F(Attested, RefusesWithTenAndTheReason) {
  write("measurements.json", R"({"PCR0":")" + std::string(96, '7') + R"(","PCR1":")" + std::string(96, '7') + R"(","PCR2":")" +
                                 std::string(96, '7') + "\"}");
  EXPECT_EQ(run_told({"curl", served_.url()}), 10);
  EXPECT_EQ(out_.str(), "");
  EXPECT_NE(err_.str().find("PCR_MISMATCH"), std::string::npos);
  EXPECT_TRUE(served_.cage().seen.empty());
}

TEST_F(Attested, AsksForWhatIsMissing) {
  EXPECT_EQ(run({"curl", "--project", path(""), served_.url()}), 30);  // no policy: nothing is accepted
  EXPECT_EQ(run_told({"curl", "http://x"}), 2);
  EXPECT_EQ(run_told({"curl", "--binding", "none", served_.url()}), 2);
  EXPECT_EQ(run_told({"curl", "--identity", "all", served_.url()}), 2);
  EXPECT_EQ(run_told({"curl", "-H", "broken", served_.url()}), 2);
  EXPECT_EQ(run_told({"curl", "--release", path("x"), served_.url()}), 2);
}

TEST_F(Attested, InAProjectNothingNeedsToBeSaid) {
  write(".cage/measurements.json", served_.measurements());
  write(".cage/ca.pem", served_.cage().ca.certificate.pem());
  const Json dev = Json::object({{"url", served_.url("/")},
                                 {"root", wire::write_pem(served_.cage().documents.root().der(), wire::kPemCertificate)}});
  write(".cage/dev.json", write_json(dev));
  EXPECT_EQ(run({"curl", "--project", folder_.string(), served_.url()}), 0) << err_.str();
  // Another address than the one that `cage dev` serves gets no development root.
  EXPECT_EQ(run({"curl", "--project", folder_.string(), "--identity", "any", "--resolve",
                 "other.localhost:" + std::to_string(served_.port()) + ":127.0.0.1",
                 "https://other.localhost:" + std::to_string(served_.port())}),
            10);
  EXPECT_NE(err_.str().find("UNTRUSTED_ROOT"), std::string::npos);
}

}  // namespace
}  // namespace cages::cli
