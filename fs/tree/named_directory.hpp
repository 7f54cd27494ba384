// A directory whose names are found as they are asked for.
//
// To make one: derive, and say in child() what a name is, and in names() which of them are listed.
//
// Thread: any. Lifetime: node.hpp. Errors: EACCES where mode bits do not allow it; those of child().
#pragma once

#include <set>
#include <string>

#include "fs/tree/access.hpp"
#include "fs/tree/node.hpp"

namespace spotfs::tree {

class NamedDirectory : public Node {
 public:
  asio::awaitable<Result<Attributes>> attributes(Caller caller) override;
  asio::awaitable<Result<void>> access(Caller caller, int mask) override;
  asio::awaitable<Result<Entry>> lookup(Caller caller, std::string name) override;
  asio::awaitable<Result<std::vector<Listed>>> list(Caller caller, std::string after, std::size_t limit) override;

 protected:
  enum class Names {
    looked_up,  // each time: the kernel keeps none
    kept,       // by the kernel, for as long as the attributes of their nodes
  };
  NamedDirectory(const Access& access, const Attributes& attributes, Names names)
      : access_{access}, attributes_{attributes}, names_{names} {}
  // Of the user who mounted, for as long as the mount; mode: permission bits.
  NamedDirectory(const Access& access, mode_t mode);

  Result<void> check(const Caller& caller, int mask) const { return access_.check(attributes_, caller, mask); }

 private:
  // ENOENT for a name that means nothing; ESTALE where it did.
  virtual Result<NodePtr> child(const Caller& caller, const std::string& name) = 0;
  virtual std::set<std::string> names(const Caller& caller) = 0;  // those that are listed

  asio::awaitable<Result<Entry>> find(Caller caller, std::string name);

  const Access access_;
  Attributes attributes_;
  const Names names_;
};

}  // namespace spotfs::tree
