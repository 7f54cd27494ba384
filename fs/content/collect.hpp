// Deletes what a content leaves behind when another one takes its place, or none.
//
// Both are compared place by place: a part that both have in the same place stays. That is right for contents of one
// file that share no chunks with others. What is deleted last is what leads to the rest, so a repeated call goes on
// where one was cut off.
//
// Thread: any. Errors: those of ContentStore; what is missing is taken for deleted. Memory: the ids of one index for
// each level.
#pragma once

#include "fs/content/content_reader.hpp"

namespace spotfs {

asio::awaitable<Answer<void>> erase_replaced(std::shared_ptr<ContentStore> store, Reference old,
                                             std::optional<Reference> now);

}  // namespace spotfs
