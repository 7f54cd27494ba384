#include "client/net/discovery.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/json/value.hpp>

#include "client/base/json.hpp"

namespace spot {
namespace {

namespace http = beast::http;
namespace json = boost::json;
constexpr auto use_tuple = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t kMaxListed = 64;

Failure failed(std::string text) { return Failure{Errc::discovery_failed, std::move(text)}; }

Answer<std::vector<std::string>> read_hosts(const json::object& data) {
  const json::value* const field = data.if_contains("hosts");
  const json::array* const list = field ? field->if_array() : nullptr;
  if (!list || list->empty() || list->size() > kMaxListed) return failed("the answer lists no hosts");
  std::vector<std::string> hosts;
  for (const json::value& entry : *list) {
    const json::string* const text = entry.if_string();
    if (!text || !Host::parse(std::string_view{*text})) return failed("the answer lists something that is no host");
    hosts.emplace_back(std::string_view{*text});
  }
  return hosts;
}

}  // namespace

Answer<Discovery> parse_discovery(std::string_view text) {
  if (text.size() > kMaxDiscoverySize) return failed("the answer is too long");
  const auto answer = parse_json(text);
  const json::object* const object = answer ? answer->if_object() : nullptr;
  if (!object) return failed("the answer is not JSON");
  const json::value* const result = object->if_contains("result");
  if (!result || !result->is_string() || result->get_string() != "success") return failed("the answer is an error");
  const json::value* const field = object->if_contains("data");
  const json::object* const data = field ? field->if_object() : nullptr;
  if (!data) return failed("the answer has no data");

  auto hosts = read_hosts(*data);
  if (!hosts) return hosts.error();
  Discovery discovery{std::move(*hosts), 0};
  if (const json::value* const wanted = data->if_contains("min_conn"); wanted && !wanted->is_null()) {
    boost::system::error_code ec;
    const auto number = wanted->to_number<std::uint32_t>(ec);
    if (ec) return failed("min_conn is not a number");
    discovery.wanted = std::min<std::size_t>(number, discovery.hosts.size());
  }
  return discovery;
}

asio::awaitable<Answer<Discovery>> discover(TlsContext context, std::string name, std::chrono::milliseconds timeout) {
  const auto host = Host::parse(name);
  if (!host) co_return Failure{host.error(), "not a host name"};
  const Host place = *host;
  auto stream = co_await connect_tls(context, place, timeout);
  if (!stream && stream.error().category() != category()) co_return failed(stream.error().message());
  if (!stream) co_return Failure{stream.error()};
  beast::tcp_stream& tcp = (*stream)->next_layer();
  tcp.expires_after(timeout);

  http::request<http::empty_body> request{http::verb::get, "/_special/rest/Spot:connect", 11};
  request.set(http::field::host, place.authority());
  request.set(http::field::user_agent, "spotfs/" SPOTFS_VERSION);
  request.set(http::field::accept, "application/json");
  const auto [unsent, written] = co_await http::async_write(**stream, request, use_tuple);
  if (unsent) co_return failed(unsent.message());

  beast::flat_buffer buffer;
  http::response_parser<http::string_body> parser;
  parser.body_limit(kMaxDiscoverySize);
  const auto [unread, read] = co_await http::async_read(**stream, buffer, parser, use_tuple);
  if (unread) co_return failed(unread.message());
  tcp.close();
  if (parser.get().result() != http::status::ok)
    co_return failed("HTTP status " + std::to_string(parser.get().result_int()));
  co_return parse_discovery(parser.get().body());
}

}  // namespace spot
