// files/ of a mount on a store in memory, with a real index below it.
#pragma once

#include "fs/tree/files/files.hpp"
#include "tests/unit/tree/blobs_fixture.hpp"

namespace spotfs::tree {

class FilesTest : public BlobsTest {
 protected:
  void mount() {
    BlobsTest::mount();
    files_ = make_files(FilesOptions{options_, {}});
    root_ = files_.node;
  }
  void unmount() {
    files_ = {};
    BlobsTest::unmount();
  }
  void remount() {
    unmount();
    mount();
  }
  std::string read_text(const std::string& name) {
    const Result<std::string> content = text(root_, name);
    return content ? *content : "(" + content.error().message() + ")";
  }

  Subtree files_;
};

}  // namespace spotfs::tree
