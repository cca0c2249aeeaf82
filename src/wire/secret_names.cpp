// SPDX-License-Identifier: Apache-2.0
#include "wire/secret_names.h"

#include <array>

#include "base/text.h"

namespace cages::wire {
namespace {

struct Row {
  std::string_view name;  // lower case; "x*" begins with x, "*x" ends with x
  std::string_view reader;
};

constexpr std::string_view kLoader = "the dynamic loader or C library";
constexpr std::string_view kShell = "shells";
constexpr std::string_view kProcess = "programs at their start";
constexpr std::string_view kProxy = "HTTP clients, for their proxy";
constexpr std::string_view kTls = "TLS libraries";
constexpr std::string_view kPython = "Python";
constexpr std::string_view kNode = "Node.js";
constexpr std::string_view kJava = "Java";
constexpr std::string_view kPerl = "Perl";
constexpr std::string_view kRuby = "Ruby";
constexpr std::string_view kPhp = "PHP";
constexpr std::string_view kDotnet = ".NET";
constexpr std::string_view kGo = "Go";
constexpr std::string_view kLua = "Lua";
constexpr std::string_view kErlang = "Erlang";
constexpr std::string_view kR = "R";
constexpr std::string_view kGit = "Git";
constexpr std::string_view kSsh = "SSH";
constexpr std::string_view kDatabase = "database clients";
constexpr std::string_view kTools = "command-line tools, for a program to run";
constexpr std::string_view kCages = "the cage's own runtime";

// clang-format off
constexpr auto kRows = std::to_array<Row>({
    {"ld_*", kLoader}, {"glibc_tunables", kLoader}, {"gconv_path", kLoader}, {"getconf_dir", kLoader},
    {"hostaliases", kLoader}, {"localdomain", kLoader}, {"locpath", kLoader}, {"malloc_*", kLoader},
    {"nlspath", kLoader}, {"nis_path", kLoader}, {"resolv_*", kLoader}, {"res_options", kLoader}, {"tzdir", kLoader},
    {"tz", kLoader}, {"lang", kLoader}, {"language", kLoader}, {"lc_*", kLoader}, {"libpath", kLoader},
    {"dyld_*", kLoader}, {"nss_*", kLoader}, {"jemalloc_*", kLoader}, {"mimalloc_*", kLoader},
    {"tcmalloc_*", kLoader}, {"asan_options", kLoader}, {"ubsan_options", kLoader}, {"tsan_options", kLoader},
    {"lsan_options", kLoader}, {"msan_options", kLoader},
    {"bash_*", kShell}, {"bashopts", kShell}, {"shellopts", kShell}, {"env", kShell}, {"ifs", kShell},
    {"ps1", kShell}, {"ps2", kShell}, {"ps4", kShell}, {"prompt_command", kShell}, {"cdpath", kShell},
    {"globignore", kShell}, {"histfile", kShell}, {"zdotdir", kShell}, {"fpath", kShell}, {"inputrc", kShell},
    {"mailpath", kShell},
    {"path", kProcess}, {"home", kProcess}, {"shell", kProcess}, {"user", kProcess}, {"logname", kProcess},
    {"pwd", kProcess}, {"oldpwd", kProcess}, {"tmpdir", kProcess}, {"tmp", kProcess}, {"temp", kProcess},
    {"term", kProcess}, {"terminfo*", kProcess}, {"hostname", kProcess}, {"xdg_*", kProcess}, {"dbus_*", kProcess},
    {"notify_socket", kProcess}, {"listen_fds", kProcess}, {"listen_pid", kProcess}, {"listen_fdnames", kProcess},
    {"*_proxy", kProxy}, {"no_proxy", kProxy},
    {"ssl_cert_*", kTls}, {"ssl_ca_*", kTls}, {"sslkeylogfile", kTls}, {"openssl_*", kTls}, {"gnutls_*", kTls},
    {"curl_ca_bundle", kTls}, {"curl_home", kTls}, {"curl_ssl_backend", kTls}, {"requests_ca_bundle", kTls},
    {"aws_ca_bundle", kTls}, {"pkcs11_*", kTls}, {"p11_kit_*", kTls}, {"ca_bundle", kTls}, {"ssl_dir", kTls},
    {"grpc_*", kTls}, {"softhsm2_conf", kTls}, {"krb5_*", kTls}, {"krb5ccname", kTls}, {"sasl_*", kTls},
    {"ldapconf", kTls}, {"ldaprc", kTls}, {"ldapnoinit", kTls}, {"ldaptls_*", kTls},
    {"python*", kPython}, {"pip_config_file", kPython}, {"pip_index_url", kPython}, {"pip_extra_index_url", kPython},
    {"pip_trusted_host", kPython}, {"virtual_env", kPython}, {"conda_*", kPython}, {"uv_*", kPython},
    {"gunicorn_cmd_args", kPython}, {"uwsgi_*", kPython}, {"celery_loader", kPython}, {"werkzeug_*", kPython},
    {"node_*", kNode}, {"npm_config_*", kNode}, {"yarn_rc_filename", kNode}, {"nodejs_*", kNode},
    {"ts_node_*", kNode}, {"deno_*", kNode}, {"bun_*", kNode}, {"electron_*", kNode}, {"corepack_*", kNode},
    {"java_*", kJava}, {"_java_*", kJava}, {"jdk_*", kJava}, {"jre_*", kJava}, {"jvm_*", kJava}, {"classpath", kJava},
    {"catalina_*", kJava}, {"maven_*", kJava}, {"gradle_*", kJava}, {"openj9_*", kJava}, {"ibm_java_options", kJava},
    {"loader_path", kJava}, {"spring_application_json", kJava}, {"spring_config_*", kJava},
    {"spring_profiles_*", kJava}, {"kotlin_*", kJava}, {"sbt_*", kJava},
    {"perl*", kPerl},
    {"ruby*", kRuby}, {"gem_*", kRuby}, {"bundle_*", kRuby}, {"bundler_*", kRuby}, {"irbrc", kRuby},
    {"rack_env", kRuby}, {"rails_env", kRuby},
    {"php*", kPhp}, {"composer", kPhp}, {"composer_home", kPhp},
    {"dotnet_*", kDotnet}, {"coreclr_*", kDotnet}, {"cor_*", kDotnet}, {"complus_*", kDotnet}, {"mono_*", kDotnet},
    {"aspnetcore_*", kDotnet}, {"nuget_packages", kDotnet},
    {"gotraceback", kGo}, {"godebug", kGo}, {"gogc", kGo}, {"gomaxprocs", kGo}, {"gomemlimit", kGo}, {"goroot", kGo},
    {"gopath", kGo}, {"goflags", kGo}, {"goproxy", kGo}, {"gocoverdir", kGo},
    {"lua_*", kLua}, {"luajit_*", kLua},
    {"erl_*", kErlang}, {"elixir_*", kErlang}, {"mix_*", kErlang},
    {"r_home", kR}, {"r_libs*", kR}, {"r_profile*", kR}, {"r_environ*", kR},
    {"rust_*", "Rust programs"},
    {"cargo_home", "Cargo"}, {"cargo_build_*", "Cargo"}, {"rustc_*", "Cargo"}, {"rustup_*", "Cargo"},
    {"git_config*", kGit}, {"git_ssh*", kGit}, {"git_exec_path", kGit}, {"git_dir", kGit}, {"git_askpass", kGit},
    {"git_proxy_command", kGit}, {"git_template_dir", kGit}, {"git_editor", kGit}, {"git_pager", kGit},
    {"ssh_auth_sock", kSsh}, {"ssh_askpass*", kSsh}, {"gnupghome", kSsh},
    {"pgsysconfdir", kDatabase}, {"pgservicefile", kDatabase}, {"pgoptions", kDatabase}, {"pghostaddr", kDatabase},
    {"pgsslmode", kDatabase}, {"pgsslrootcert", kDatabase}, {"mysql_home", kDatabase}, {"libmysql_*", kDatabase},
    {"odbc*", kDatabase}, {"tns_admin", kDatabase}, {"oracle_home", kDatabase},
    {"editor", kTools}, {"visual", kTools}, {"pager", kTools}, {"browser", kTools}, {"less*", kTools},
    {"makeflags", kTools}, {"makefiles", kTools}, {"mflags", kTools}, {"cc", kTools}, {"cxx", kTools},
    {"tar_options", kTools}, {"gzip", kTools}, {"grep_options", kTools}, {"find*_options", kTools},
    {"sudo_*", kTools}, {"docker_host", kTools}, {"docker_config", kTools}, {"kubeconfig", kTools},
    {"magick_*", kTools}, {"gst_*", kTools}, {"gtk_*", kTools}, {"gio_*", kTools}, {"qt_*", kTools}, {"vim*", kTools},
    {"nginx", kTools}, {"apache_confdir", kTools}, {"apache_run_*", kTools}, {"envoy_*", kTools},
    {"otel_exporter_*", kTools}, {"libva_*", kTools}, {"cuda_*", kTools}, {"ocl_*", kTools}, {"opencl_*", kTools},
    {"vk_*", kTools}, {"mpi_*", kTools}, {"ompi_*", kTools}, {"omp_*", kTools},
    {"cage_*", kCages}, {"cages_*", kCages},
});
// clang-format on

bool matches(std::string_view pattern, std::string_view name) {
  if (pattern.ends_with('*')) return name.starts_with(pattern.substr(0, pattern.size() - 1));
  if (pattern.starts_with('*')) return name.ends_with(pattern.substr(1));
  if (const std::size_t star = pattern.find('*'); star != std::string_view::npos) {
    return name.starts_with(pattern.substr(0, star)) && name.ends_with(pattern.substr(star + 1));
  }
  return pattern == name;
}

}  // namespace

std::string_view reserved_secret_name(std::string_view name) {
  const std::string lower = ascii_lower(name);
  for (const Row& row : kRows) {
    if (matches(row.name, lower)) return row.reader;
  }
  return {};
}

}  // namespace cages::wire
