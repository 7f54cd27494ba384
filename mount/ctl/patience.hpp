// What may never return, such as a look into a mount whose program is stopped.
//
// Thread: any; the work runs on one of its own, which is left behind where it hangs: nobody can interrupt it.
#pragma once

#include <chrono>
#include <future>
#include <optional>
#include <thread>
#include <type_traits>

namespace spotfs::ctl {

inline constexpr std::chrono::seconds kPatience{5};  // with a mount

// Nullopt: it has not returned within `limit`. `work` must own all that it uses.
template <class F>
std::optional<std::invoke_result_t<F>> within(std::chrono::milliseconds limit, F work) {
  std::packaged_task<std::invoke_result_t<F>()> task{std::move(work)};
  auto result = task.get_future();
  std::thread{std::move(task)}.detach();
  if (result.wait_for(limit) != std::future_status::ready) return std::nullopt;
  return result.get();
}

}  // namespace spotfs::ctl
