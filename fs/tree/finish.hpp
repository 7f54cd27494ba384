// Work that goes on to its end when whoever waits for it is interrupted.
//
// Thread: any; the work runs on `executor`. Errors: those of the work; what it throws as the code of the exception, or
// EIO; cancelled where only the wait has ended.
#pragma once

#include <cerrno>
#include <exception>
#include <memory>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/system/system_error.hpp>

#include "client/net/one_shot.hpp"
#include "fs/tree/attributes.hpp"

namespace spotfs::tree {

namespace asio = boost::asio;

inline std::error_code code_of(const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const std::bad_alloc&) {
    return fail(ENOMEM);
  } catch (const boost::system::system_error& e) {
    return e.code();
  } catch (const std::system_error& e) {
    return e.code();
  } catch (...) {
    return fail(EIO);
  }
}

template <class T>
asio::awaitable<Result<T>> finish(asio::any_io_executor executor, asio::awaitable<Result<T>> work) {
  using Shot = spot::OneShot<Result<T>>;
  auto done = std::make_shared<Shot>();
  asio::co_spawn(executor, std::move(work), [done](const std::exception_ptr& thrown, Result<T> result) {
    done->give(thrown ? Result<T>{code_of(thrown)} : std::move(result));
  });
  co_return co_await Shot::wait(std::move(done));
}

}  // namespace spotfs::tree
