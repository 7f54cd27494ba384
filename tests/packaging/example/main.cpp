// What a program with libspot-dev begins with: a client with keys of its own. Prints its address.
#include <cstdio>
#include <memory>

#include <boost/asio/io_context.hpp>

#include "client/client.hpp"
#include "client/crypto/keystore.hpp"

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const auto keys = spot::load_or_create_keys(argv[1]);
  if (!keys) return std::fprintf(stderr, "%s\n", keys.error().code.message().c_str()), 1;
  boost::asio::io_context context;
  spot::ClientOptions options;
  options.keys = std::make_shared<const spot::Keychain>(keys->keychain);
  const auto client = spot::Client::make(context.get_executor(), options);
  if (!client) return std::fprintf(stderr, "%s\n", client.error().message().c_str()), 1;
  std::puts((*client)->target_id().c_str());
}
