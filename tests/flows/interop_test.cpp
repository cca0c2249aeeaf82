// SPDX-License-Identifier: Apache-2.0
// The whole way in over real sockets, against clients that nobody here wrote: curl and openssl s_client.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "base/file.h"
#include "host/ingress/ingress.h"
#include "http/client.h"
#include "net/tcp.h"
#include "net/unix.h"
#include "net/vsock.h"
#include "runtime/ingress/data_plane.h"
#include "support/pki.h"

namespace cages {
namespace {

using namespace std::chrono_literals;
const std::string kName = "pay.app-0123456789ab.localhost";
constexpr std::uint32_t kEnclavePort = 7010;

struct Finished {
  int status = -1;
  std::string output;
};

// Runs a program with `input` on its standard input; output and errors together.
Task<Finished> run_program(net::EventLoop& loop, std::vector<std::string> arguments, std::string input) {
  std::array<int, 2> in{};
  std::array<int, 2> out{};
  if (::pipe2(in.data(), O_CLOEXEC) != 0 || ::pipe2(out.data(), O_CLOEXEC) != 0) co_return Finished{};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, out[1], STDERR_FILENO);
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  pid_t pid = 0;
  const int failed = ::posix_spawnp(&pid, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  ::close(in[0]);
  ::close(out[1]);
  auto to = net::stream_from(loop, Fd(in[1])).value();
  auto from = net::stream_from(loop, Fd(out[0])).value();
  Finished finished;
  if (failed != 0) co_return finished;
  std::ignore = co_await to->write_all(as_bytes(input));
  to.reset();
  const auto output = co_await net::read_until_end(*from, 1 << 24);
  if (output) finished.output = std::string(as_text(*output));
  ::waitpid(pid, &finished.status, 0);
  co_return finished;
}

bool installed(const std::string& program) {
  for (const char* folder : {"/usr/bin/", "/usr/local/bin/", "/bin/"}) {
    if (std::filesystem::exists(folder + program)) return true;
  }
  return false;
}

class NoAttestation final : public runtime::AttestationResponder {
 public:
  Task<Result<Bytes>> session(ByteView, const tls::TlsStream&) override { co_return fail(Code::HTTP_OVERLOAD); }
  Task<Result<Bytes>> document(const tls::TlsStream&) override { co_return to_bytes("a document"); }
};

// Sends the body back, in pieces.
Task<Result<void>> echo(http::Request& request, http::Responder& responder) {
  CO_TRY(co_await responder.respond({.status = 200, .headers = {}, .upgrade = {}}, request.body.length()));
  Bytes buffer(10'000);
  for (;;) {
    CO_TRY_ASSIGN(const std::size_t n, co_await request.body.read_some(buffer));
    if (n == 0) break;
    CO_TRY(co_await responder.write(ByteView(buffer).first(n)));
  }
  co_return co_await responder.finish();
}

struct Interop : testing::Test {
  Interop() {
    std::string name = (std::filesystem::temp_directory_path() / "cages.XXXXXX").string();
    folder = ::mkdtemp(name.data());
    EXPECT_TRUE(write_file(folder / "ca.pem", as_bytes(ca.certificate.pem())));
  }
  ~Interop() override { std::filesystem::remove_all(folder); }

  std::filesystem::path folder;
  SystemClock clock;
  net::EventLoop loop;
  test::Issued ca = test::authority("CA", clock.wall());
  test::Issued leaf = test::leaf(ca, "CA", {kName}, clock.wall());
  std::string port;

  Task<void> serve_app(net::Listener& listener) {
    net::TaskGroup tasks(loop);
    auto one = [](net::EventLoop& l, net::Accepted accepted) -> Task<void> {
      const http::Handler handler = echo;
      http::Draining never;
      std::ignore = co_await http::serve(l.timers(), *accepted.stream, handler, never);
    };
    for (;;) {
      auto accepted = co_await listener.accept();
      if (!accepted) break;
      tasks.spawn("app", one(loop, std::move(*accepted)));
    }
  }

  // Host and enclave joined by the hybrid convention, as under the process driver.
  template <class F>
  void with_everything(F test) {
    const auto server =
        tls::Server::make(
            {.identity = test::identity(leaf), .alpn = {"http/1.1"}, .client_roots = {}, .client_check = {}}, clock)
            .value();
    loop.run([&]() -> Task<void> {
      NoAttestation attestation;
      crypto::SystemRandom random;
      auto app_listener = net::listen_tcp(loop, "127.0.0.1", 0).value();
      auto public_listener = net::listen_tcp(loop, "127.0.0.1", 0).value();
      const auto app_port = static_cast<std::uint16_t>(app_listener->port());
      net::HybridEnclave enclave(loop, net::listen_unix(loop, folder / "v").value(), folder);
      auto enclave_listener = enclave.listen(kEnclavePort).value();
      runtime::DataPlane plane(loop, *server, attestation, random,
                               [&] { return net::dial_tcp(loop, "127.0.0.1", app_port); },
                               {.host_names = {kName}, .http = {}});
      host::Routes routes;
      routes.set(kName, std::make_shared<host::Route>("pay", std::make_shared<net::HybridHost>(loop, folder)));
      host::Ingress ingress(loop, routes);
      port = std::to_string(public_listener->port());
      net::TaskGroup tasks(loop);
      tasks.spawn("app", serve_app(*app_listener));
      tasks.spawn("plane", plane.serve(*enclave_listener));
      tasks.spawn("ingress", ingress.serve(*public_listener));
      co_await test();
      co_await ingress.stop();
      co_await plane.drain(1s);
      co_await tasks.stop();
    }());
  }

  std::vector<std::string> curl(std::vector<std::string> more) const {
    std::vector<std::string> all{"curl",
                                 "--silent",
                                 "--show-error",
                                 "--max-time",
                                 "20",
                                 "--cacert",
                                 (folder / "ca.pem").string(),
                                 "--resolve",
                                 kName + ":" + port + ":127.0.0.1"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  std::vector<std::string> s_client(std::vector<std::string> more) const {
    std::vector<std::string> all{"openssl",
                                 "s_client",
                                 "-connect",
                                 "127.0.0.1:" + port,
                                 "-servername",
                                 kName,
                                 "-CAfile",
                                 (folder / "ca.pem").string(),
                                 "-verify_return_error"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  std::string url(const std::string& path) const { return "https://" + kName + ":" + port + path; }
};

TEST_F(Interop, CurlUploadsDownloadsAndReusesItsConnection) {
  if (!installed("curl")) GTEST_SKIP() << "curl is not installed";
  with_everything([&]() -> Task<void> {
    const std::string body(300'000, 'c');
    auto got = co_await run_program(loop, curl({"--data-binary", "@-", url("/one")}), body);
    EXPECT_EQ(got.status, 0) << got.output.substr(0, 500);
    EXPECT_TRUE(got.output == body);
    got = co_await run_program(loop, curl({"-T", "-", "-H", "Expect: 100-continue", url("/chunked")}), body);
    EXPECT_EQ(got.status, 0) << got.output.substr(0, 500);
    EXPECT_TRUE(got.output == body);
    got = co_await run_program(
        loop, curl({"-w", "%{http_code} %{num_connects};", "-o", "/dev/null", url("/a"), "-o", "/dev/null", url("/b")}),
        "");
    EXPECT_EQ(got.output, "200 1;200 0;");
    got = co_await run_program(loop, curl({url("/.well-known/attestation")}), "");
    EXPECT_EQ(got.output, "{\"attestation_doc\":\"" + base64(as_bytes("a document")) + "\"}");
    got = co_await run_program(loop, curl({"--tls-max", "1.2", url("/")}), "");
    EXPECT_NE(got.status, 0);
  });
}

TEST_F(Interop, OpensslAgreesOnTheSettingsAndGetsNoTicket) {
  if (!installed("openssl")) GTEST_SKIP() << "openssl is not installed";
  with_everything([&]() -> Task<void> {
    const std::string request = "GET /x HTTP/1.1\r\nHost: " + kName + "\r\nConnection: close\r\n\r\n";
    auto got =
        co_await run_program(loop, s_client({"-ign_eof", "-alpn", "http/1.1", "-verify_hostname", kName}), request);
    EXPECT_EQ(got.status, 0) << got.output;
    for (const char* expected :
         {"TLSv1.3", "Server Temp Key: X25519", "ALPN protocol: http/1.1", "Verification: OK", "HTTP/1.1 200 OK"}) {
      EXPECT_NE(got.output.find(expected), std::string::npos) << expected << "\n" << got.output;
    }
    EXPECT_EQ(got.output.find("New Session Ticket"), std::string::npos) << got.output;
    for (const std::vector<std::string>& refused :
         {std::vector<std::string>{"-tls1_2"}, {"-groups", "P-521"}, {"-noservername"}, {"-alpn", "h2"}}) {
      got = co_await run_program(loop, s_client(refused), "");
      EXPECT_NE(got.status, 0) << refused.front() << "\n" << got.output;
    }
  });
}

}  // namespace
}  // namespace cages
