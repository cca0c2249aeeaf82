// SPDX-License-Identifier: Apache-2.0
// The enclave's half of egress with this machine's kernel and programs that nobody here wrote: the whole test runs as root of
// a network namespace of its own, where what catches, resolves and relays is the runtime's; the host is in memory.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <future>
#include <thread>

#include "base/process.h"
#include "runtime/app/name_files.h"
#include "runtime/egress/egress.h"
#include "support/egress_enclave.h"

namespace cages {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

std::string namespace_problem = "not tried";
fs::path scratch;

std::string write_text(const char* path, const std::string& text) {
  std::ofstream file(path);
  file << text << std::flush;
  return file ? "" : std::string(path) + " cannot be written";
}

std::string cover(const char* path, const std::string& text) {
  const fs::path file = scratch / fs::path(path).filename();
  std::ofstream(file) << text;
  if (!fs::exists(path)) return "";
  return ::mount(file.c_str(), path, nullptr, MS_BIND, nullptr) == 0 ? "" : std::string(path) + " cannot be covered";
}

// Becomes root of namespaces of its own; what hinders it, or nothing.
std::string enter_namespaces() {
  const auto uid = std::to_string(::getuid());
  const auto gid = std::to_string(::getgid());
  if (::unshare(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWNS) != 0) return "no namespaces";
  for (const auto& [path, text] : {std::pair{"/proc/self/setgroups", std::string("deny")},
                                   std::pair{"/proc/self/uid_map", "0 " + uid + " 1"}, std::pair{"/proc/self/gid_map", "0 " + gid + " 1"}}) {
    if (auto problem = write_text(path, text); !problem.empty()) return problem;
  }
  const Fd socket(::socket(AF_INET, SOCK_DGRAM, 0));
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP;
  if (::ioctl(socket.get(), SIOCSIFFLAGS, &request) != 0) return "loopback";
  for (const auto& [path, text] : {std::pair{"/etc/resolv.conf", runtime::resolver_text()},
                                   std::pair{"/etc/nsswitch.conf", runtime::nsswitch_text("")},
                                   std::pair{"/etc/hosts", runtime::hosts_text("")}}) {
    if (auto problem = cover(path, text); !problem.empty()) return problem;
  }
  return "";
}

// What is behind the host: by port, somebody who speaks first, somebody who answers HTTP, or an echo.
Task<void> destination(net::Stream& stream) {
  const auto open = co_await test::answer_open(stream, wire::EgressCode::ok);
  if (!open) co_return;
  std::uint64_t bytes = 0;
  if (open->port == 25) {
    std::ignore = co_await stream.write_all(as_bytes("220 mail.example.com ready\r\n"));
  } else if (open->port == 80 || open->port == 443) {
    std::string request;
    Bytes piece(4096);
    while (!request.contains("\r\n\r\n")) {
      const auto got = co_await stream.read_some(piece);
      if (!got || *got == 0) co_return;
      request += as_text(ByteView(piece).first(*got));
    }
    const auto* name = std::get_if<std::string>(&open->target);
    const std::string body = (name != nullptr ? *name : write_ip(std::get<IpAddress>(open->target))) + " " + std::to_string(open->port);
    std::ignore = co_await stream.write_all(as_bytes("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body));
    std::ignore = co_await stream.shutdown_write();
  }
  std::ignore = co_await net::copy_all(stream, stream, bytes);
}

Task<void> resolver_of_host(net::Stream& stream) {
  namespace dns = wire::dns;
  const auto payload = co_await net::read_frame(stream);
  if (!payload) co_return;
  const auto query = wire::parse_name_query(*payload);
  const dns::Query asked = *dns::parse_query(dns::write_query({0, true, {query->name, query->type}, std::nullopt, {}}));
  dns::Reply reply;
  if (query->type == dns::type::kTxt) {
    for (Byte i = 0; i < 12; ++i) {  // more than a datagram holds without EDNS
      Bytes text(1, 100);
      text.resize(101, static_cast<Byte>('a' + i));
      reply.records.push_back({query->name, query->type, 60, text, std::nullopt, {}});
    }
  }
  const Bytes message = dns::write_reply(asked, reply, 4096);
  std::ignore = co_await stream.write_all(wire::write_name_answer({query->id, wire::EgressCode::ok, message}));
}

class Kernel : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (!namespace_problem.empty()) return;
    std::promise<std::string> ready;
    auto is_ready = ready.get_future();
    server_ = std::thread([&ready] { serve(ready); });
    namespace_problem = is_ready.get();
  }
  static void TearDownTestSuite() {
    if (!server_.joinable()) return;
    stop_ = true;
    server_.join();
  }
  void SetUp() override {
    if (!namespace_problem.empty()) GTEST_SKIP() << namespace_problem;
  }

  static void serve(std::promise<std::string>& ready) {
    auto sockets = runtime::egress::open_sockets();
    if (!sockets) return ready.set_value(describe(sockets.error()));
    const auto list = policy::AllowList::parse({"api.example.com:80,443", "mail.example.com:25", "*.db.example.com:*", "192.0.2.0/24:80",
                                                "[2001:db8::1]:80"}).value();
    net::MemoryPorts host;
    const net::ListenerPtr egress_port = host.listen(wire::port::kEgress).value();
    const net::ListenerPtr dns_port = host.listen(wire::port::kDns).value();
    net::EventLoop loop;
    runtime::egress::Egress egress({loop, host, [](std::string_view) {}, [](std::vector<wire::Metric>) {}}, list,
                                   std::move(*sockets));
    loop.spawn("egress", [](runtime::egress::Egress& e) -> Task<void> { std::ignore = co_await e.run(); }(egress));
    loop.spawn("host", accept_all(loop, *egress_port, destination));
    loop.spawn("host dns", accept_all(loop, *dns_port, resolver_of_host));
    ready.set_value("");
    loop.run([](net::EventLoop& l) -> Task<void> {
      while (!stop_) co_await l.timers().sleep(20ms);
    }(loop));
  }
  static Task<void> accept_all(net::EventLoop& loop, net::Listener& listener, Task<void> (*act)(net::Stream&)) {
    auto one = [](Task<void> (*a)(net::Stream&), net::StreamPtr stream) -> Task<void> { co_await a(*stream); };
    for (;;) {
      auto accepted = co_await listener.accept();
      if (!accepted) co_return;
      loop.spawn("destination", one(act, std::move(accepted->stream)));
    }
  }

  // client runs a program and returns what it printed; `time` is for waits that are not to be.
  static std::string client(std::vector<std::string> argv, std::chrono::milliseconds time = 10s) {
    if (!find_program(argv[0])) return "no " + argv[0];
    const auto outcome = run({std::move(argv), {"NODE_OPTIONS=", "PYTHONDONTWRITEBYTECODE=1", "LSAN_OPTIONS="}, scratch}, 65536, time);
    if (!outcome) return describe(outcome.error());
    return std::string(as_text(outcome->out)) + (outcome->ok() ? "" : std::string(as_text(outcome->err)));
  }
  static std::string python(const std::string& code) { return client({"/usr/bin/python3", "-c", "import socket, struct, time\n" + code}); }

 private:
  static std::thread server_;
  static std::atomic<bool> stop_;
};
std::thread Kernel::server_;
std::atomic<bool> Kernel::stop_ = false;

TEST_F(Kernel, CurlReachesNamesAndLiterals) {
  EXPECT_EQ(client({"curl", "-sS", "http://api.example.com/"}), "api.example.com 80");
  EXPECT_EQ(client({"curl", "-sS", "http://API.Example.COM:443/"}), "api.example.com 443");
  EXPECT_EQ(client({"curl", "-sS", "http://192.0.2.77/"}), "192.0.2.77 80");
  EXPECT_EQ(client({"curl", "-sS", "http://[2001:db8::1]/"}), "2001:db8::1 80");
}

TEST_F(Kernel, TheCLibraryResolvesWhateverItsFlags) {
  EXPECT_EQ(python("print(socket.getaddrinfo('api.example.com', 443, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)[0][4][1])"), "443\n");
  EXPECT_EQ(python("t = time.monotonic()\nfor f in (socket.AF_UNSPEC, socket.AF_INET): socket.getaddrinfo('a.db.example.com', 1, f)\n"
                   "assert time.monotonic() - t < 1\nprint(socket.gethostbyname('localhost'))"), "127.0.0.1\n");
  EXPECT_EQ(python("t = time.monotonic()\ntry: socket.getaddrinfo('evil.example', 443)\nexcept socket.gaierror as e: print(e.errno == socket.EAI_AGAIN, time.monotonic() - t < 1)"),
            "True True\n");
}

TEST_F(Kernel, NodeResolvesAndFetches) {
  EXPECT_EQ(client({"node", "-e", "fetch('http://api.example.com/').then(r => r.text()).then(console.log)"}), "api.example.com 80\n");
  // c-ares; UDP, then TCP for what a datagram does not hold.
  EXPECT_EQ(client({"node", "-e", R"(const d = require('dns').promises;
    (async () => console.log((await d.resolve4('api.example.com'))[0].startsWith('127.'),
      (await d.resolveTxt('api.example.com')).length,
      await d.resolve6('api.example.com').catch(e => e.code), await d.resolve4('evil.example').catch(e => e.code)))())"}),
            "true 12 ENODATA EREFUSED\n");
}

TEST_F(Kernel, JavaResolvesAndFetches) {
  std::ofstream(scratch / "Fetch.java") << "public class Fetch { public static void main(String[] a) throws Exception {"
                                           "System.out.println(new String(new java.net.URL(a[0]).openStream().readAllBytes())); } }";
  const std::string said = client({"java", "Fetch.java", "http://api.example.com/"}, 60s);
  if (said == "no java") GTEST_SKIP() << said;
  EXPECT_EQ(said, "api.example.com 80\n");
}

TEST_F(Kernel, GoAndMuslResolveWithTheirOwn) {
  std::ofstream(scratch / "main.go") << "package main\nimport (\"fmt\"; \"net\"; \"os\")\nfunc main() { c, err := net.Dial(\"tcp\", os.Args[1]); "
                                        "if err != nil { fmt.Println(err); return }; c.Write([]byte(\"hi\")); b := make([]byte, 2); c.Read(b); fmt.Println(string(b)) }\n";
  const std::string go = client({"sh", "-c", "PATH=$PATH:/usr/local/go/bin; command -v go >/dev/null || { echo no go; exit; }; "
                                 "HOME=$PWD GOCACHE=$PWD/go-cache GO111MODULE=off CGO_ENABLED=0 go build -o go-client main.go && ./go-client a.db.example.com:7"}, 240s);
  if (go != "no go\n") EXPECT_EQ(go, "hi\n");
  std::ofstream(scratch / "musl.c") << "#include <netdb.h>\n#include <stdio.h>\n#include <arpa/inet.h>\nint main(int c, char **v) { struct addrinfo *r; "
                                       "int e = getaddrinfo(v[1], 0, 0, &r); puts(e ? gai_strerror(e) : \"found\"); return 0; }\n";
  const std::string musl = client({"sh", "-c", "command -v musl-gcc >/dev/null || { echo no musl-gcc; exit; }; musl-gcc -static -o musl musl.c && ./musl a.db.example.com"});
  if (musl != "no musl-gcc\n") EXPECT_EQ(musl, "found\n");
}

TEST_F(Kernel, AServerThatSpeaksFirstIsHeardAtOnce) {
  EXPECT_EQ(python("import smtplib\nt = time.monotonic()\ns = smtplib.SMTP()\nprint(s.connect('mail.example.com', 25)[0], time.monotonic() - t < 1)"), "220 True\n");
}

TEST_F(Kernel, TheAppsOwnPortsAreItsOwn) {
  EXPECT_EQ(python(R"(
def listen(family, address):
    s = socket.socket(family); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6: s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    s.bind(address); s.listen(); return s
own = [listen(socket.AF_INET, ('0.0.0.0', 443)), listen(socket.AF_INET6, ('::', 443)), listen(socket.AF_INET, ('0.0.0.0', 5432)),
       listen(socket.AF_INET, ('127.0.0.1', 6379))]
for port in (5432, 6379, 444, 65535):
    c = socket.create_connection(('x.db.example.com', port)); c.sendall(b'there'); assert c.recv(5) == b'there', port
c = socket.create_connection(('api.example.com', 443)); c.sendall(b'GET / HTTP/1.0\r\n\r\n')
assert b'api.example.com 443' in c.makefile('rb').read()
for s, address in zip(own, (('127.0.0.1', 443), ('::1', 443), ('127.0.0.1', 5432), ('127.0.0.1', 6379))):
    c = socket.create_connection(address); a = s.accept()[0]; a.sendall(b'own'); assert c.recv(3) == b'own', address
print('all'))"), "all\n");
}

TEST_F(Kernel, RefusalsAreResetsAtOnce) {
  EXPECT_EQ(python(R"(
for to in (('api.example.com', 81), ('192.0.2.1', 443), ('198.51.100.1', 80), ('2001:db8::2', 80), ('127.64.200.200', 80),
           ('169.254.169.254', 80), ('127.0.0.1', 61004)):
    t = time.monotonic()
    try:
        # Nothing was sent, so that an end without a reset would read as an end.
        c = socket.create_connection(to, 5); print(to, 'read', c.recv(1))
    except ConnectionResetError: pass
    assert time.monotonic() - t < 1, to
print('reset'))"), "reset\n");
}

TEST_F(Kernel, EachSideEndsByItselfAndNothingIsLost) {
  EXPECT_EQ(python(R"(
import threading
c = socket.create_connection(('x.db.example.com', 7)); data = bytes(range(256)) * 40000
def send(): c.sendall(data); c.shutdown(socket.SHUT_WR)
threading.Thread(target=send).start()
got = c.makefile('rb').read(); print(got == data, len(got)))"), "True 10240000\n");
}

TEST_F(Kernel, NamesCostNoDescriptors) {
  const auto sockets = [] {
    return std::ranges::count_if(fs::directory_iterator("/proc/self/fd"), [](const fs::directory_entry& fd) {
      std::error_code gone;
      return fs::read_symlink(fd, gone).string().starts_with("socket:");
    });
  };
  EXPECT_LE(sockets(), 16);
  EXPECT_EQ(python(R"(
def q(n): return b'\0\1\1\0\0\1\0\0\0\0\0\0' + b''.join(bytes([len(l)]) + l.encode() for l in n.split('.')) + b'\0\0\1\0\1'
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(3); s.connect(('127.0.0.1', 53)); seen = set()
for i in range(5000):
    s.send(q(f'n{i}.db.example.com')); seen.add(s.recv(512)[-4:])
s.send(b'\0\1\1\0\0\1\0\0\0\0\0\0\x40' + b'a' * 64 + b'\0\0\1\0\1'); assert s.recv(512)[3] & 15 == 1
print(len(seen)))"), "5000\n");
  EXPECT_LE(sockets(), 16);
}

}  // namespace
}  // namespace cages

int main(int argc, char** argv) {
  std::string pattern = cages::fs::temp_directory_path() / "cages-kernel-XXXXXX";
  if (::mkdtemp(pattern.data()) == nullptr) return 1;
  cages::scratch = pattern;
  cages::namespace_problem = cages::enter_namespaces();
  ::testing::InitGoogleTest(&argc, argv);
  const int status = RUN_ALL_TESTS();
  std::error_code ignored;
  cages::fs::remove_all(cages::scratch, ignored);
  return status;
}
