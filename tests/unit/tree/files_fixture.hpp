// files/ of a mount on a store in memory, with a real index below it.
#pragma once

#include "fs/tree/files/files.hpp"
#include "tests/unit/tree/blobs_fixture.hpp"

namespace spotfs::tree {

class FilesTest : public BlobsTest {
 protected:
  void mount() {
    BlobsTest::mount();
    content_ = std::make_shared<ContentStore>(context_.get_executor(), store_,
                                              std::shared_ptr<const ContentCipher>{index_, &index_->cipher()}, 1 << 20);
    FilesOptions files;
    static_cast<DiskOptions&>(files) = options_;
    files.content = content_;
    files_ = make_files(files);
    root_ = files_.node;
  }
  void unmount() {
    files_ = {};
    content_.reset();
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

  std::shared_ptr<ContentStore> content_;
  Subtree files_;
};

}  // namespace spotfs::tree
