#include "engine/torch_decoder.h"

#include <torch/csrc/jit/ir/constants.h>

#include <openvino/frontend/pytorch/decoder.hpp>
#include <openvino/frontend/pytorch/frontend.hpp>
#include <openvino/op/constant.hpp>
#include <sstream>
#include <stdexcept>

namespace tl {
namespace {

namespace ovtype = ov::frontend::type;
using ov::op::v0::Constant;
using torch::jit::Graph;
using torch::jit::Node;
using torch::jit::Value;

ov::element::Type element_type(at::ScalarType type) {
  switch (type) {
    case at::kFloat:
      return ov::element::f32;
    case at::kDouble:
      return ov::element::f64;
    case at::kHalf:
      return ov::element::f16;
    case at::kBFloat16:
      return ov::element::bf16;
    case at::kByte:
      return ov::element::u8;
    case at::kChar:
      return ov::element::i8;
    case at::kInt:
      return ov::element::i32;
    case at::kLong:
      return ov::element::i64;
    case at::kBool:
      return ov::element::boolean;
    default:
      throw std::runtime_error(std::string("no OpenVINO type for ") + at::toString(type));
  }
}

ov::Any any_type(const c10::TypePtr& type) {
  switch (type->kind()) {
    case c10::TypeKind::TensorType:
      return ovtype::Tensor(ov::Any(ov::element::dynamic));
    case c10::TypeKind::IntType:
      return ovtype::PyScalar(ov::Any(ov::element::i64));
    case c10::TypeKind::FloatType:
      return ovtype::PyScalar(ov::Any(ov::element::f32));
    case c10::TypeKind::BoolType:
      return ovtype::PyScalar(ov::Any(ov::element::boolean));
    case c10::TypeKind::ListType:
      return ovtype::List(any_type(type->castRaw<c10::ListType>()->getElementType()));
    case c10::TypeKind::StringType:
    case c10::TypeKind::DeviceObjType:
      return ovtype::Str();
    case c10::TypeKind::NoneType:
      return ovtype::PyNone();
    default:
      return ov::element::dynamic;
  }
}

ov::OutputVector constant(const at::Tensor& tensor) {
  const at::Tensor dense = tensor.contiguous();
  const ov::Shape shape(dense.sizes().begin(), dense.sizes().end());
  const auto type = element_type(dense.scalar_type());
  // A copy lives in the constant; what is shared with the network stays shared.
  if (dense.is_same(tensor)) {
    return std::make_shared<Constant>(ov::Tensor(type, shape, dense.data_ptr()))->outputs();
  }
  return std::make_shared<Constant>(type, shape, dense.data_ptr())->outputs();
}

template <typename T>
ov::OutputVector constant(ov::element::Type type, const ov::Shape& shape,
                          const std::vector<T>& values) {
  return std::make_shared<Constant>(type, shape, values)->outputs();
}

ov::OutputVector constant(const c10::IValue& value) {
  if (value.isTensor()) return constant(value.toTensor());
  if (value.isInt()) return constant<std::int64_t>(ov::element::i64, {}, {value.toInt()});
  if (value.isDouble()) {
    return constant<float>(ov::element::f32, {}, {static_cast<float>(value.toDouble())});
  }
  if (value.isBool()) return constant<char>(ov::element::boolean, {}, {value.toBool()});
  if (value.isIntList()) {
    const auto list = value.toIntVector();
    return constant(ov::element::i64, {list.size()}, list);
  }
  if (value.isDoubleList()) {
    const auto list = value.toDoubleVector();
    return constant(ov::element::f32, {list.size()}, std::vector<float>(list.begin(), list.end()));
  }
  return {};
}

// The graph itself, or one of its nodes. The frontend asks for both through the same interface;
// what it asks only of other kinds of decoder throws.
class GraphDecoder : public ov::frontend::pytorch::TorchDecoder {
 public:
  GraphDecoder(std::shared_ptr<Graph> graph, ov::PartialShape input_shape)
      : graph_(std::move(graph)), input_shape_(std::move(input_shape)), type_("graph") {
    set_values(graph_->inputs(), graph_->outputs());
  }

  GraphDecoder(std::shared_ptr<Graph> graph, Node* node)
      : graph_(std::move(graph)), node_(node), type_(node->kind().toQualString()) {
    set_values(node->inputs(), node->outputs());
    if (const auto* schema = node->maybeSchema()) {
      std::ostringstream text;
      text << *schema;
      schema_ = text.str();
    }
    if (node->kind() != torch::jit::prim::Constant) return;
    const auto value = torch::jit::toIValue(node->output());
    if (value && value->isString()) string_ = value->toStringRef();
    if (value && value->isDevice()) string_ = "cpu";
  }

  const std::vector<std::size_t>& inputs() const override { return inputs_; }
  const std::vector<std::size_t>& outputs() const override { return outputs_; }
  std::size_t output(std::size_t index) const override { return outputs_.at(index); }
  std::size_t num_of_outputs() const override { return outputs_.size(); }
  std::size_t output_list_size() const override { return 0; }

  const std::string& get_input_debug_name(std::size_t index) const override {
    return input_names_.at(index);
  }
  const std::string& get_input_signature_name(std::size_t index) const override {
    return input_names_.at(index);
  }
  const std::string& get_output_debug_name(std::size_t index) const override {
    return output_names_.at(index);
  }
  ov::PartialShape get_input_shape(std::size_t) const override {
    return node_ == nullptr ? input_shape_ : ov::PartialShape::dynamic();
  }
  ov::PartialShape get_output_shape(std::size_t) const override {
    return ov::PartialShape::dynamic();
  }
  const std::vector<std::size_t>& get_input_strides(std::size_t) const override {
    return no_strides_;
  }
  ov::Any get_input_type(std::size_t index) const override {
    if (node_ == nullptr) return ovtype::Tensor(ov::Any(ov::element::f32));
    return any_type(node_->input(index)->type());
  }
  ov::Any get_output_type(std::size_t index) const override {
    return any_type((node_ == nullptr ? graph_->outputs() : node_->outputs())[index]->type());
  }
  bool input_is_none(std::size_t index) const override {
    return index >= inputs_.size() ||
           (node_ != nullptr && node_->input(index)->type()->kind() == c10::TypeKind::NoneType);
  }

  ov::OutputVector as_constant() const override {
    const auto value = torch::jit::toIValue(node_->output());
    return value ? constant(*value) : ov::OutputVector{};
  }
  const std::string& as_string() const override { return string_; }
  const std::string& get_op_type() const override { return type_; }
  const std::string& get_schema() const override { return schema_; }
  std::shared_ptr<ov::Node> mark_node(std::shared_ptr<ov::Node> node) const override {
    return node;
  }

  std::size_t get_subgraph_size() const override { return node_ == nullptr ? 1 : 0; }
  void visit_subgraph(
      std::function<void(std::shared_ptr<TorchDecoder>)> node_visitor) const override {
    for (Node* node : graph_->nodes())
      node_visitor(std::make_shared<GraphDecoder>(graph_, node));
  }
  std::shared_ptr<TorchDecoder> get_subgraph_decoder(std::size_t) const override { refuse(); }

  // The graph is functional.
  bool may_produce_alias(std::size_t, std::size_t) const override { return false; }
  bool is_input_inlined(std::size_t) const override { return false; }
  const std::string& decoder_type_name() const override { return decoder_type_; }
  ov::frontend::pytorch::DecoderRTInfo get_rt_info() const override { return {}; }
  bool has_converter() const override { return false; }
  ov::Any get_attribute(const std::string&) const override { return {}; }

  ov::Any const_input(std::size_t) const override { refuse(); }
  ov::OutputVector try_decode_get_attr() const override { refuse(); }
  std::shared_ptr<TorchDecoder> get_inlined_input_decoder(std::size_t) const override { refuse(); }
  std::size_t get_named_input(const std::string&) const override { refuse(); }
  ov::OutputVector convert(const ov::frontend::NodeContext*) const override { refuse(); }

 private:
  [[noreturn]] static void refuse() {
    throw std::logic_error("a flat graph has no blocks, attributes or converters");
  }

  void set_values(at::ArrayRef<Value*> inputs, at::ArrayRef<Value*> outputs) {
    for (const Value* value : inputs) {
      inputs_.push_back(value->unique());
      input_names_.push_back(value->debugName());
    }
    for (const Value* value : outputs) {
      outputs_.push_back(value->unique());
      output_names_.push_back(value->debugName());
    }
  }

  std::shared_ptr<Graph> graph_;
  Node* node_ = nullptr;  // none: the graph itself
  ov::PartialShape input_shape_;
  std::string type_;
  std::string schema_;
  std::string string_;
  const std::string decoder_type_ = "ts";
  const std::vector<std::size_t> no_strides_;
  std::vector<std::size_t> inputs_;
  std::vector<std::size_t> outputs_;
  std::vector<std::string> input_names_;
  std::vector<std::string> output_names_;
};

}  // namespace

std::shared_ptr<ov::Model> to_openvino(const std::shared_ptr<Graph>& graph,
                                       const std::vector<std::size_t>& input_shape) {
  const ov::PartialShape shape = ov::Shape(input_shape);
  // FrontEnd::load knows its argument only by this exact type.
  const std::shared_ptr<ov::frontend::IDecoder> decoder =
      std::make_shared<GraphDecoder>(graph, shape);
  const ov::frontend::pytorch::FrontEnd frontend;
  return frontend.convert(frontend.load(decoder));
}

}  // namespace tl
