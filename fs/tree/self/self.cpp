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
  return json::serialize(out) + "\n";
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
