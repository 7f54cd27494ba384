// The one translation unit that compiles Asio itself.
#include <boost/asio/impl/src.hpp>
#include <boost/asio/ssl/impl/src.hpp>

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
// It does not know the fence by which the last owner of an executor sees what the others did before they let go.
extern "C" const char* __tsan_default_suppressions();
extern "C" const char* __tsan_default_suppressions() {
  return "race:boost::asio::execution::detail::shared_target_executor\n";
}
#endif
#endif
