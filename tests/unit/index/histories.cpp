#include "tests/unit/index/histories.hpp"

#include <algorithm>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include <boost/json.hpp>

#include "client/base/encoding.hpp"
#include "fs/index/found.hpp"

namespace spotfs {

namespace json = boost::json;

namespace {

std::string text(const json::value& value) { return std::string{value.as_string()}; }

Stamp stamp_of(const json::value& value) {
  Stamp out;
  std::ranges::copy(spot::from_hex(value.as_string()).value(), out.bytes.begin());
  return out;
}

Version version_of(const json::value& value) { return value.is_null() ? Version{} : Version{stamp_of(value)}; }

std::optional<Reference> reference_of(const json::value& value) {
  if (value.is_null()) return std::nullopt;
  return spotfs::reference_of(std::stoull(text(value).substr(1)));
}

Time time_of(const json::value& value) {
  const json::array& fields = value.as_array();
  return {fields.at(0).as_int64(), fields.at(1).to_number<std::uint32_t>()};
}

Over over_of(const json::value& value) {
  if (value.is_null()) return std::nullopt;
  return Seen{stamp_of(value.as_array().at(0)), version_of(value.as_array().at(1))};
}

Place place_of(const json::object& op, std::string_view directory, std::string_view name) {
  return {stamp_of(op.at(directory)), text(op.at(name))};
}

Action action_of(const json::object& op) {
  const std::string kind = text(op.at("op"));
  if (kind == "make") {
    Make out{place_of(op, "dir", "name"), over_of(op.at("over")), {}};
    out.inode.kind = static_cast<Kind>(op.at("kind").as_int64());
    out.inode.version = version_of(op.at("version"));
    out.inode.reference = reference_of(op.at("ref"));
    out.inode.mode = op.at("attrs").at("mode").to_number<std::uint32_t>();
    if (out.inode.kind == Kind::symlink) out.inode.target = "target";  // apply.py has none
    if (op.contains("mtime")) out.inode.mtime = time_of(op.at("mtime"));
    return out;
  }
  if (kind == "link") return Link{place_of(op, "dir", "name"), over_of(op.at("over")), stamp_of(op.at("inode"))};
  if (kind == "unlink")
    return Unlink{place_of(op, "dir", "name"), stamp_of(op.at("inode")), version_of(op.at("version"))};
  if (kind == "move")
    return Move{place_of(op, "from", "was"), stamp_of(op.at("inode")), place_of(op, "dir", "name"),
                over_of(op.at("over"))};
  if (kind == "exchange")
    return Exchange{place_of(op, "dir", "name"), stamp_of(op.at("inode")), place_of(op, "dir2", "name2"),
                    stamp_of(op.at("inode2"))};
  if (kind == "write")
    return Write{stamp_of(op.at("inode")), version_of(op.at("base")), reference_of(op.at("ref")),
                 time_of(op.at("mtime")), 0};
  Set out{stamp_of(op.at("inode")), {}};
  const json::object& attrs = op.at("attrs").as_object();
  if (const json::value* mode = attrs.if_contains("mode")) out.changes.mode = mode->to_number<std::uint32_t>();
  if (const json::value* mtime = attrs.if_contains("mtime")) out.changes.mtime = time_of(*mtime);
  return out;
}

json::value to_json(const Version& version) { return version ? json::value(to_text(*version)) : json::value(nullptr); }
json::value to_json(const Time& time) { return json::array{time.seconds, time.nanoseconds}; }
json::value to_json(const std::optional<Reference>& reference) {
  return reference ? json::value("r" + std::to_string(reference->size - 1)) : json::value(nullptr);
}

json::value to_json(const Inode& inode) {
  json::object out;
  out["kind"] = static_cast<std::int64_t>(inode.kind);
  if (inode.kind == Kind::alias) {
    out["target"] = to_text(inode.alias_of);
    out["since"] = to_text(inode.since);
    return out;
  }
  out["version"] = to_json(inode.version);
  out["ref"] = to_json(inode.reference);
  out["links"] = inode.links;
  out["place"] = json::array{to_text(inode.place.directory), inode.place.name};
  out["attrs"] = json::object{{"mode", inode.mode}};
  out["mtime"] = to_json(inode.mtime);
  out["ctime"] = to_json(inode.ctime);
  if (inode.kind == Kind::removed) out["since"] = to_text(inode.since);
  return out;
}

bool is_live(const Inode& inode) { return inode.kind != Kind::alias && inode.kind != Kind::removed; }

bool reaches_fixed(const State& state, InodeId directory) {
  std::set<InodeId> seen;
  while (!is_fixed(directory)) {
    const Inode* there = state.find(directory);
    if (!there || !there->is_directory() || !seen.insert(directory).second) return false;
    directory = there->place.directory;
  }
  return true;
}

}  // namespace

const std::vector<VectorRow>& vector_rows() {
  static const std::vector<VectorRow> rows = [] {
    std::stringstream text;
    text << std::ifstream{SPOT_VECTORS "/apply.json"}.rdbuf();
    std::vector<VectorRow> out;
    const json::value parsed = json::parse(text.str());
    for (const json::value& row : parsed.as_array()) {
      VectorRow& to = out.emplace_back();
      for (const json::value& op : row.at("ops").as_array())
        to.operations.push_back({stamp_of(op.at("stamp")), action_of(op.as_object())});
      to.state = row.at("state");
    }
    return out;
  }();
  return rows;
}

json::value to_json(const State& state) {
  json::object entries, inodes;
  state.each_entry([&](const Place& place, const InodeId& id) {
    entries[to_text(place.directory) + '/' + place.name] = to_text(id);
  });
  state.each_inode([&](const InodeId& id, const InodePtr& inode) { inodes[to_text(id)] = to_json(*inode); });
  return json::object{{"entries", entries}, {"inodes", inodes}};
}

std::string describe(const State& state, bool times, bool removed) {
  std::string out;
  state.each_entry([&](const Place& place, const InodeId& id) {
    out += to_text(place.directory) + '/' + place.name + " = " + to_text(id) + '\n';
  });
  state.each_inode([&](const InodeId& id, const InodePtr& inode) {
    if (!removed && inode->kind == Kind::removed) return;
    Inode shown = *inode;
    if (!times) shown.ctime = shown.mtime = {};
    cbor::Writer encoded;
    encode(encoded, shown);
    out += to_text(id) + ": " + spot::hex(encoded.bytes()) + '\n';
  });
  return out;
}

std::string broken(const State& state) {
  std::map<InodeId, std::uint64_t> names, subdirectories;
  std::string out;
  state.each_entry([&](const Place& place, const InodeId& id) {
    ++names[id];
    if (state.is_directory(id)) ++subdirectories[place.directory];
    const Inode* there = state.find(id);
    if (!state.is_directory(place.directory) || !there || !is_live(*there) || !is_name(place.name))
      out += "name " + place.name + " in " + to_text(place.directory) + '\n';
  });
  state.each_inode([&](const InodeId& id, const InodePtr& inode) {
    if (inode->is_directory() && state.subdirectories(id) != subdirectories[id])
      out += "directories in " + to_text(id) + '\n';
    if (is_fixed(id) || !is_live(*inode)) return;
    const bool is_placed = state.at(inode->place.directory, inode->place.name) == id;
    if (inode->links != names[id]) out += "links of " + to_text(id) + '\n';
    if (inode->is_directory() && (!is_placed || inode->links != 1 || !reaches_fixed(state, id)))
      out += "directory " + to_text(id) + '\n';
  });
  return out;
}

Stamp stamp_at(std::uint64_t milliseconds, std::uint16_t step, std::uint8_t run) {
  return Stamp::of(milliseconds, step, {0, 0, 0, run});
}

Reference reference_of(std::uint64_t number) {
  Reference out{number + 1, 0, BlobId{}};
  for (std::size_t i = 0; i < 8; ++i) (*out.id)[i] = static_cast<std::uint8_t>((number + 1) >> (8 * i));
  return out;
}

RandomWriter::RandomWriter(std::uint32_t seed, std::uint8_t run, std::uint64_t milliseconds)
    : random_{seed}, run_{run}, last_{milliseconds} {}

Operation RandomWriter::next(const State& state) {
  for (;;) {
    last_ += 1 + below(40);
    const Stamp stamp = stamp_at(last_, 0, run_);
    if (std::optional<Action> action = plan(state, stamp)) return {stamp, std::move(*action)};
  }
}

std::optional<Action> RandomWriter::plan(const State& state, const Stamp& stamp) {
  std::vector<std::pair<Place, InodeId>> names;
  state.each_entry([&](const Place& place, const InodeId& id) { names.emplace_back(place, id); });
  std::vector<InodeId> directories{kRoot, kRoot, kBlobs};
  for (const auto& [place, id] : names)
    if (state.is_directory(id)) directories.push_back(id);

  static const std::vector<std::string> kNames{"a", "b", "c", "d", std::string(255, 'n')};
  const Place place{directories[below(static_cast<std::uint32_t>(directories.size()))], kNames[below(5)]};
  const std::optional<InodeId> old = state.at(place.directory, place.name);
  const bool in_blobs = state.in_blobs(place.directory);
  const auto pick = [&] { return names[below(static_cast<std::uint32_t>(names.size()))]; };
  const auto is_above = [&](const InodeId& id, const InodeId& directory) {
    return state.is_directory(id) && state.is_below(directory, id);
  };
  const std::uint32_t kind = below(30);
  if (kind < 9) {
    if (old) return std::nullopt;
    Make out{place, std::nullopt, {}};
    out.inode.kind = below(3) == 0 ? Kind::directory : Kind::file;
    out.inode.mode = below(2) ? 0644 : 0755;
    if (out.inode.kind == Kind::file && below(2)) {
      out.inode.version = stamp_at(stamp.milliseconds(), 1, run_);
      out.inode.reference = reference_of(1000 * run_ + ++contents_);
    }
    if (in_blobs && out.inode.kind == Kind::file && out.inode.mode == 0755) out.inode.flags = kFound;
    return out;
  }
  if (names.empty()) return std::nullopt;
  const auto [from, id] = pick();
  const Inode& there = *state.find(id);
  if (kind < 16) {
    if (there.kind != Kind::file) return std::nullopt;
    std::optional<Reference> content;
    if (below(4)) content = reference_of(1000 * run_ + ++contents_);
    return Write{id, there.version, content, spotfs::time_of(stamp), 0};
  }
  if (kind < 20) {
    if (there.is_directory() && !state.is_empty(id)) return std::nullopt;
    return Unlink{from, id, there.version};
  }
  if (kind < 24) {
    const bool fits = !old || (*old != id && state.is_directory(*old) == there.is_directory() &&
                               (!there.is_directory() || state.is_empty(*old)));
    if (!fits || is_above(id, place.directory) || in_blobs != state.in_blobs(from.directory)) return std::nullopt;
    Over over;
    if (old) over = Seen{*old, state.find(*old)->version};
    return Move{from, id, place, over};
  }
  if (kind < 26) {
    if (there.is_directory() || old || in_blobs || state.in_blobs(from.directory)) return std::nullopt;
    return Link{place, std::nullopt, id};
  }
  if (kind < 27) {
    const auto [other, other_id] = pick();
    const bool fits = other_id != id && !state.in_blobs(from.directory) && !state.in_blobs(other.directory) &&
                      !is_above(id, other.directory) && !is_above(other_id, from.directory);
    if (!fits) return std::nullopt;
    return Exchange{from, id, other, other_id};
  }
  Set out{id, {}};
  switch (below(4)) {
    case 0: out.changes.mode = below(2) ? 0600 : 0; break;
    case 1: out.changes.mtime = Time{below(2'000'000'000), 5}; break;
    case 2: out.changes.uid = below(3); break;
    default:
      out.changes.xattrs["user." + std::string(1, static_cast<char>('a' + below(3)))] =
          below(3) ? std::optional{std::string(below(300), 'x')} : std::nullopt;
  }
  return out;
}

}  // namespace spotfs
