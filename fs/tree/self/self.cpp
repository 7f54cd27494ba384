#include "fs/tree/self/self.hpp"

#include <algorithm>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "client/base/encoding.hpp"
#include "fs/tree/fixed_directory.hpp"
#include "fs/tree/text_file.hpp"

namespace spotfs::tree {
namespace {

namespace json = boost::json;

json::object to_json(const spot::Subkey& subkey) {
  json::object out;
  out["key"] = spot::base64url(subkey.key);
  out["issued"] = subkey.issued;
  if (subkey.expires) out["expires"] = *subkey.expires;
  json::array purposes;
  for (const std::string& purpose : subkey.purposes) purposes.emplace_back(purpose);
  out["purposes"] = std::move(purposes);
  return out;
}

json::object to_json(const spot::Membership& membership) {
  json::object out;
  out["group"] = spot::base64url(membership.group);
  out["status"] = membership.status;
  out["issued"] = membership.issued;
  return out;
}

// RFC 7468: base64 of RFC 4648 section 4 in lines of 64.
std::string to_pem(BytesView pkix) {
  std::string text = spot::base64url(pkix);
  std::ranges::replace(text, '-', '+');
  std::ranges::replace(text, '_', '/');
  while (text.size() % 4 != 0) text.push_back('=');
  std::string out = "-----BEGIN PUBLIC KEY-----\n";
  for (std::size_t at = 0; at < text.size(); at += 64) out.append(text, at, 64).push_back('\n');
  return out + "-----END PUBLIC KEY-----\n";
}

// What JSON leaves as it is, and a terminal may take for a command: DEL, and the controls of ISO 6429 (U+0080 to
// U+009F).
std::string without_controls(std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const auto next = i + 1 < text.size() ? static_cast<unsigned char>(text[i + 1]) : 0U;
    const bool is_control = byte == 0xC2 && next >= 0x80 && next <= 0x9F;
    if (byte != 0x7F && !is_control) {
      out.push_back(text[i]);
      continue;
    }
    const unsigned code = is_control ? next : byte;
    out.append("\\u00").append({kHex[code >> 4], kHex[code & 15]});
    i += is_control ? 1 : 0;
  }
  return out;
}

}  // namespace

std::string card_json(const spot::IdCard& card) {
  json::object out;
  out["address"] = card.address();
  out["self"] = spot::base64url(card.self());
  out["issued"] = card.issued();
  json::array subkeys;
  for (const spot::Subkey& subkey : card.subkeys()) subkeys.push_back(to_json(subkey));
  out["subkeys"] = std::move(subkeys);
  json::array groups;
  for (const spot::Membership& membership : card.groups()) groups.push_back(to_json(membership));
  out["groups"] = std::move(groups);
  json::object meta;
  for (const auto& [name, value] : card.meta()) meta[name] = value;
  out["meta"] = std::move(meta);
  return without_controls(json::serialize(out)) + "\n";
}

NodePtr make_self(std::shared_ptr<const spot::Client> client, Access access) {
  const auto file = [&](TextFile::Make make) { return std::make_shared<TextFile>(std::move(make), 0444, access); };
  std::vector<NamedNode> files{
      {"id", file([client] { return spot::to_bytes(client->target_id() + "\n"); })},
      {"card", file([client] { return client->id_card_bin(); })},
      {"card.json", file([client] { return spot::to_bytes(card_json(client->id_card())); })},
      {"public.pem", file([client] { return spot::to_bytes(to_pem(client->keys().self().public_key().pkix())); })}};
  return std::make_shared<FixedDirectory>(std::move(files), 0555, access);
}

}  // namespace spotfs::tree
