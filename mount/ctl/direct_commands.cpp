// blob get|put|rm without a mount.
#include "client/base/base64.hpp"
#include "client/base/encoding.hpp"
#include "mount/ctl/direct.hpp"
#include "mount/ctl/run.hpp"

namespace spotfs::ctl {
namespace {

int get(Direct& direct, const Invocation& line, Output& output) {
  const auto done = direct.get(line.key, [&output](spot::BytesView part) {
    if (part.empty()) return true;
    if (output.is_json()) return output.line({}, {{"event", "data"}, {"base64", spot::base64(part)}});
    return output.bytes(spot::as_text(part));
  });
  return done ? int{kDone} : output.fail(done.error());
}

int put(Direct& direct, const Invocation& line, Output& output) {
  auto input = Input::open(line.input);
  if (!input) return output.fail(input.error());
  if (input->size() > direct.limit())
    return output.fail(
        "EFBIG", "at most " + std::to_string(direct.limit()) + " bytes without a mount; mount, and copy it to blobs/");
  const auto content = input->read_all();
  if (!content) return output.fail(content.error());
  const auto stored = direct.put(line.key, spot::to_bytes(*content));
  return stored ? int{kDone} : output.fail(stored.error());
}

}  // namespace

int run_blob_directly(const Invocation& line, Output& output) {
  if (const auto allowed = tree::check_key(line.key); !allowed)
    return output.fail("EINVAL", spot::printable(line.key) + " can be no key: " + allowed.error().message());
  Direct direct{*line.direct};
  if (const auto connected = direct.connect(); !connected) return output.fail(connected.error());
  if (const auto found = direct.find_store(); !found) return output.fail(found.error());
  int code = kDone;
  if (line.what == What::blob_get) {
    code = get(direct, line, output);
  } else if (line.what == What::blob_put) {
    code = put(direct, line, output);
  } else if (const auto erased = direct.erase(line.key); !erased) {
    code = output.fail(erased.error());
  }
  if (code == kDone && output.is_json()) output.line({}, {{"done", true}});
  return code;
}

}  // namespace spotfs::ctl
