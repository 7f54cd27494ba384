// fuzz_seeds DIR: writes seeds into DIR/<fuzzer>/, each made by our own encoders.
#include <filesystem>
#include <fstream>
#include <iostream>

#include "client/bottle/open.hpp"
#include "client/proto/handshake.hpp"
#include "fs/index/apply.hpp"
#include "fs/index/keys.hpp"
#include "mount/relay/handshake.hpp"
#include "tests/fuzz/relay_request.hpp"
#include "tests/unit/index/encoded.hpp"

namespace {

using namespace spotfs;

class Seeds {
 public:
  explicit Seeds(std::filesystem::path directory) : directory_{std::move(directory)} {}

  void put(const std::string& fuzzer, const std::string& name, spot::BytesView seed) const {
    create_directories(directory_ / fuzzer);
    std::ofstream file{directory_ / fuzzer / name, std::ios::binary};
    file << spot::as_text(seed);
    file.close();
    if (!file) throw std::runtime_error{"cannot write the seed " + name};
  }

 private:
  std::filesystem::path directory_;
};

spot::Bytes encoded(const Inode& inode) {
  cbor::Writer out;
  encode(out, inode);
  return out.take();
}

spot::Bytes encoded_piece(const std::vector<Operation>& operations) {
  std::vector<spot::Bytes> out;
  for (const Operation& operation : operations) out.push_back(encode(operation));
  return encode_piece(out);
}

spot::Bytes record_header(const std::string& type, const std::string& key, bool with_secret) {
  cbor::Writer out;
  out.put_map(with_secret ? 4 : 3).put_text("k").put_text(key).put_text("s").put_bytes(BlobId{});
  out.put_text("ct").put_text(type);
  if (with_secret) out.put_text("sec").put_bytes(spot::Bytes(32));
  return out.take();
}

// Operations of one run, as a mount would make them.
std::vector<Operation> log_of(std::uint32_t seed, std::size_t count) {
  State state = fresh_state();
  RandomWriter writer{seed, 1};
  std::vector<Operation> out;
  for (std::size_t i = 0; i < count; ++i) {
    out.push_back(writer.next(state));
    apply(state, out.back());
  }
  return out;
}

// What comes to a relay: the answer to a handshake, and a query.
void write_relay_seeds(const Seeds& seeds) {
  using namespace spot;
  for (const auto& [name, type] :
       {std::pair{"p256", KeyType::p256}, {"ed25519", KeyType::ed25519}, {"rsa", KeyType::rsa}}) {
    const PrivateKey key = PrivateKey::generate(type).value();
    const Bytes card = IdCard::of(Keychain::of({key}).value(), fuzz::kNow).sign(key).value();
    const Bytes request = relay::encode(fuzz::relay_request());
    seeds.put("handshake_response", name, answer_handshake(request, card, key).value());
    const Bottle query = sign(clear_bottle(view("payload")), key).value();
    seeds.put("relay_query", name, encode_bottle(query));
  }
}

void write_all(const Seeds& seeds) {
  write_relay_seeds(seeds);
  static const char* const kinds[] = {"make", "link", "unlink", "move", "exchange", "write", "set"};
  const std::vector<Operation> operations = each_operation();
  for (std::size_t i = 0; i < operations.size(); ++i) seeds.put("operation", kinds[i], encode(operations[i]));
  seeds.put("log_piece", "each", encoded_piece(operations));
  seeds.put("log_piece", "one", encoded_piece({operations.front()}));
  for (std::uint32_t i = 0; i < 3; ++i)
    seeds.put("log_piece", "random" + std::to_string(i), encoded_piece(log_of(i, 12)));

  seeds.put("inode", "file", encoded(full_inode()));
  Inode removed;
  removed.kind = Kind::removed;
  removed.since = stamp_at(6);
  seeds.put("inode", "removed", encoded(removed));
  Inode symlink;
  symlink.kind = Kind::symlink;
  symlink.target = "target";
  seeds.put("inode", "symlink", encoded(symlink));

  seeds.put("head", "full", encode(full_head()));
  seeds.put("head", "empty", encode(Head{}));
  seeds.put("log_list", "full", encode(full_log_list()));
  seeds.put("log_list", "empty", encode(LogList{}));
  seeds.put("writers", "two", encode(full_writers()));
  seeds.put("writers", "none", encode(Writers{}));
  seeds.put("store_record", "plain", encode(StoreRecord{blob_id(7), false}));
  seeds.put("store_record", "last", encode(StoreRecord{blob_id(7), true}));

  seeds.put("record_header", "id", record_header("spotfs/id", kStoreKey, true));
  seeds.put("record_header", "writers", record_header("spotfs/writers", kWritersKey, false));
  seeds.put("record_header", "head", record_header("spotfs/head", head_key({}), true));
  cbor::Writer value;
  value.put_map(4).put_text("k").put_text("key").put_text("s").put_bytes(BlobId{});
  value.put_text("v").put_bytes(stamp_at(5).bytes).put_text("ct").put_text("spotfs/blob");
  seeds.put("record_header", "value", value.bytes());

  // Scripts for the history: any bytes are one.
  spot::Bytes script;
  for (unsigned i = 0; i < 400; ++i) script.push_back(static_cast<std::uint8_t>(i * i * 31 + i * 7));
  seeds.put("history", "script", script);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: fuzz_seeds DIR\n";
    return 2;
  }
  try {
    write_all(Seeds{argv[1]});
  } catch (const std::exception& e) {
    std::cerr << "fuzz_seeds: " << e.what() << '\n';
    return 1;
  }
}
