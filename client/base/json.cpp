#include "client/base/json.hpp"

#include <set>
#include <vector>

#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/parse.hpp>

namespace spot {
namespace {

namespace json = boost::json;
using Ec = boost::system::error_code;

// Lets pass all but an object's key that comes twice. The names are those that basic_parser calls.
class UniqueKeys {
 public:
  static constexpr std::size_t max_object_size = SIZE_MAX, max_array_size = SIZE_MAX;
  static constexpr std::size_t max_key_size = SIZE_MAX, max_string_size = SIZE_MAX;

  bool on_object_begin(Ec&) {
    open_.emplace_back();
    return true;
  }
  bool on_object_end(std::size_t, Ec&) {
    open_.pop_back();
    return true;
  }
  bool on_key_part(json::string_view part, std::size_t, Ec&) {
    key_ += std::string_view{part};
    return true;
  }
  bool on_key(json::string_view part, std::size_t, Ec& ec) {
    key_ += std::string_view{part};
    if (!open_.back().insert(std::exchange(key_, {})).second) ec = json::error::syntax;
    return !ec.failed();
  }
  bool on_document_begin(Ec&) { return true; }
  bool on_document_end(Ec&) { return true; }
  bool on_array_begin(Ec&) { return true; }
  bool on_array_end(std::size_t, Ec&) { return true; }
  bool on_string_part(json::string_view, std::size_t, Ec&) { return true; }
  bool on_string(json::string_view, std::size_t, Ec&) { return true; }
  bool on_number_part(json::string_view, Ec&) { return true; }
  bool on_int64(std::int64_t, json::string_view, Ec&) { return true; }
  bool on_uint64(std::uint64_t, json::string_view, Ec&) { return true; }
  bool on_double(double, json::string_view, Ec&) { return true; }
  bool on_bool(bool, Ec&) { return true; }
  bool on_null(Ec&) { return true; }
  bool on_comment_part(json::string_view, Ec&) { return true; }
  bool on_comment(json::string_view, Ec&) { return true; }

 private:
  std::vector<std::set<std::string>> open_;  // the keys of the objects around
  std::string key_;
};

}  // namespace

Result<json::value> parse_json(std::string_view text) {
  json::parse_options options;
  options.max_depth = kMaxJsonDepth;
  Ec ec;
  json::value value = json::parse(text, ec, {}, options);
  if (ec) return fail(Errc::malformed);
  json::basic_parser<UniqueKeys> keys{options};
  keys.write_some(false, text.data(), text.size(), ec);
  if (ec) return fail(Errc::malformed);
  return value;
}

}  // namespace spot
