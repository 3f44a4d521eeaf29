"""The part of Caffe's file format that networks for NVDLA use, as protobuf messages.

Field numbers, names, defaults and the numbers of the enumerations are facts of the format; what is not listed here is
skipped when a file is read. Both generations are there: ``layer`` with types by name, and before it ``layers`` with
types by number (V1).
"""

from collections.abc import Mapping
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

PACKAGE = "caffe"
_VALUE = "Value"

_Field = descriptor_pb2.FieldDescriptorProto
_SCALARS = {
    "int32": _Field.TYPE_INT32,
    "uint32": _Field.TYPE_UINT32,
    "int64": _Field.TYPE_INT64,
    "float": _Field.TYPE_FLOAT,
    "double": _Field.TYPE_DOUBLE,
    "bool": _Field.TYPE_BOOL,
    "string": _Field.TYPE_STRING,
}

_ENUMS: Mapping[str, Mapping[str, int]] = {
    "Phase": {"TRAIN": 0, "TEST": 1},
    "PoolMethod": {"MAX": 0, "AVE": 1, "STOCHASTIC": 2},
    "RoundMode": {"CEIL": 0, "FLOOR": 1},
    "EltwiseOp": {"PROD": 0, "SUM": 1, "MAX": 2},
    "NormRegion": {"ACROSS_CHANNELS": 0, "WITHIN_CHANNEL": 1},
    "LayerType": {
        "NONE": 0,
        "ACCURACY": 1,
        "BNLL": 2,
        "CONCAT": 3,
        "CONVOLUTION": 4,
        "DATA": 5,
        "DROPOUT": 6,
        "EUCLIDEAN_LOSS": 7,
        "FLATTEN": 8,
        "HDF5_DATA": 9,
        "HDF5_OUTPUT": 10,
        "IM2COL": 11,
        "IMAGE_DATA": 12,
        "INFOGAIN_LOSS": 13,
        "INNER_PRODUCT": 14,
        "LRN": 15,
        "MULTINOMIAL_LOGISTIC_LOSS": 16,
        "POOLING": 17,
        "RELU": 18,
        "SIGMOID": 19,
        "SOFTMAX": 20,
        "SOFTMAX_LOSS": 21,
        "SPLIT": 22,
        "TANH": 23,
        "WINDOW_DATA": 24,
        "ELTWISE": 25,
        "POWER": 26,
        "SIGMOID_CROSS_ENTROPY_LOSS": 27,
        "HINGE_LOSS": 28,
        "MEMORY_DATA": 29,
        "ARGMAX": 30,
        "THRESHOLD": 31,
        "DUMMY_DATA": 32,
        "SLICE": 33,
        "MVN": 34,
        "ABSVAL": 35,
        "SILENCE": 36,
        "CONTRASTIVE_LOSS": 37,
        "EXP": 38,
        "DECONVOLUTION": 39,
    },
}

# Name: (number, type), with "[]" or "[packed]" for a repeated field and " = value" for a default that is not zero.
_MESSAGES: Mapping[str, Mapping[str, tuple[int, str]]] = {
    "BlobShape": {"dim": (1, "int64[packed]")},
    "BlobProto": {
        "num": (1, "int32"),
        "channels": (2, "int32"),
        "height": (3, "int32"),
        "width": (4, "int32"),
        "data": (5, "float[packed]"),
        "shape": (7, "BlobShape"),
        "double_data": (8, "double[packed]"),
    },
    "NetParameter": {
        "name": (1, "string"),
        "layers": (2, "V1LayerParameter[]"),
        "input": (3, "string[]"),
        "input_dim": (4, "int32[]"),
        "input_shape": (8, "BlobShape[]"),
        "layer": (100, "LayerParameter[]"),
    },
    "NetStateRule": {
        "phase": (1, "Phase"),
        "min_level": (2, "int32"),
        "max_level": (3, "int32"),
        "stage": (4, "string[]"),
        "not_stage": (5, "string[]"),
    },
    "LayerParameter": {
        "name": (1, "string"),
        "type": (2, "string"),
        "bottom": (3, "string[]"),
        "top": (4, "string[]"),
        "blobs": (7, "BlobProto[]"),
        "include": (8, "NetStateRule[]"),
        "exclude": (9, "NetStateRule[]"),
        "concat_param": (104, "ConcatParameter"),
        "convolution_param": (106, "ConvolutionParameter"),
        "eltwise_param": (110, "EltwiseParameter"),
        "inner_product_param": (117, "InnerProductParameter"),
        "lrn_param": (118, "LRNParameter"),
        "pooling_param": (121, "PoolingParameter"),
        "power_param": (122, "PowerParameter"),
        "relu_param": (123, "ReLUParameter"),
        "softmax_param": (125, "SoftmaxParameter"),
        "prelu_param": (131, "PReLUParameter"),
        "reshape_param": (133, "ReshapeParameter"),
        "flatten_param": (135, "FlattenParameter"),
        "batch_norm_param": (139, "BatchNormParameter"),
        "bias_param": (141, "BiasParameter"),
        "scale_param": (142, "ScaleParameter"),
        "input_param": (143, "InputParameter"),
    },
    "V1LayerParameter": {
        "bottom": (2, "string[]"),
        "top": (3, "string[]"),
        "name": (4, "string"),
        "type": (5, "LayerType"),
        "blobs": (6, "BlobProto[]"),
        "concat_param": (9, "ConcatParameter"),
        "convolution_param": (10, "ConvolutionParameter"),
        "inner_product_param": (17, "InnerProductParameter"),
        "lrn_param": (18, "LRNParameter"),
        "pooling_param": (19, "PoolingParameter"),
        "power_param": (21, "PowerParameter"),
        "eltwise_param": (24, "EltwiseParameter"),
        "relu_param": (30, "ReLUParameter"),
        "include": (32, "NetStateRule[]"),
        "exclude": (33, "NetStateRule[]"),
        "softmax_param": (39, "SoftmaxParameter"),
    },
    "ConcatParameter": {"concat_dim": (1, "uint32 = 1"), "axis": (2, "int32 = 1")},
    "ConvolutionParameter": {
        "num_output": (1, "uint32"),
        "bias_term": (2, "bool = true"),
        "pad": (3, "uint32[]"),
        "kernel_size": (4, "uint32[]"),
        "group": (5, "uint32 = 1"),
        "stride": (6, "uint32[]"),
        "pad_h": (9, "uint32"),
        "pad_w": (10, "uint32"),
        "kernel_h": (11, "uint32"),
        "kernel_w": (12, "uint32"),
        "stride_h": (13, "uint32"),
        "stride_w": (14, "uint32"),
        "axis": (16, "int32 = 1"),
        "dilation": (18, "uint32[]"),
    },
    "EltwiseParameter": {"operation": (1, "EltwiseOp = SUM"), "coeff": (2, "float[]")},
    "InnerProductParameter": {
        "num_output": (1, "uint32"),
        "bias_term": (2, "bool = true"),
        "axis": (5, "int32 = 1"),
        "transpose": (6, "bool"),
    },
    "LRNParameter": {
        "local_size": (1, "uint32 = 5"),
        "alpha": (2, "float = 1"),
        "beta": (3, "float = 0.75"),
        "norm_region": (4, "NormRegion"),
        "k": (5, "float = 1"),
    },
    "PoolingParameter": {
        "pool": (1, "PoolMethod"),
        "kernel_size": (2, "uint32"),
        "stride": (3, "uint32 = 1"),
        "pad": (4, "uint32"),
        "kernel_h": (5, "uint32"),
        "kernel_w": (6, "uint32"),
        "stride_h": (7, "uint32"),
        "stride_w": (8, "uint32"),
        "pad_h": (9, "uint32"),
        "pad_w": (10, "uint32"),
        "global_pooling": (12, "bool"),
        "round_mode": (13, "RoundMode"),
    },
    "PowerParameter": {"power": (1, "float = 1"), "scale": (2, "float = 1"), "shift": (3, "float")},
    "ReLUParameter": {"negative_slope": (1, "float")},
    "SoftmaxParameter": {"axis": (2, "int32 = 1")},
    "PReLUParameter": {"channel_shared": (2, "bool")},
    "ReshapeParameter": {"shape": (1, "BlobShape"), "axis": (2, "int32"), "num_axes": (3, "int32 = -1")},
    "FlattenParameter": {"axis": (1, "int32 = 1"), "end_axis": (2, "int32 = -1")},
    "BatchNormParameter": {"use_global_stats": (1, "bool"), "eps": (3, "float = 1e-5")},
    "BiasParameter": {"axis": (1, "int32 = 1"), "num_axes": (2, "int32 = 1")},
    "ScaleParameter": {"axis": (1, "int32 = 1"), "num_axes": (2, "int32 = 1"), "bias_term": (4, "bool")},
    "InputParameter": {"shape": (1, "BlobShape[]")},
}


def _field(name: str, number: int, declared: str) -> descriptor_pb2.FieldDescriptorProto:
    kind, _, default = declared.partition(" = ")
    base, _, repeated = kind.partition("[")
    field = _Field(name=name, number=number, label=_Field.LABEL_REPEATED if repeated else _Field.LABEL_OPTIONAL)
    if repeated == "packed]":
        field.options.packed = True
    if base in _SCALARS:
        field.type = _SCALARS[base]
    else:
        field.type = _Field.TYPE_ENUM if base in _ENUMS else _Field.TYPE_MESSAGE
        field.type_name = f".{PACKAGE}.{base}.{_VALUE}" if base in _ENUMS else f".{PACKAGE}.{base}"
    if default:
        field.default_value = default
    return field


def _message_classes() -> dict[str, Any]:
    file = descriptor_pb2.FileDescriptorProto(name="caffe.proto", package=PACKAGE, syntax="proto2")
    for name, values in _ENUMS.items():  # each in a message of its own: names of values hold in all that surrounds them
        listed = [descriptor_pb2.EnumValueDescriptorProto(name=value, number=at) for value, at in values.items()]
        enum = descriptor_pb2.EnumDescriptorProto(name=_VALUE, value=listed)
        file.message_type.append(descriptor_pb2.DescriptorProto(name=name, enum_type=[enum]))
    for name, fields in _MESSAGES.items():
        listed_fields = [_field(field, *declared) for field, declared in fields.items()]
        file.message_type.append(descriptor_pb2.DescriptorProto(name=name, field=listed_fields))
    return dict(message_factory.GetMessages([file], pool=descriptor_pool.DescriptorPool()))


_CLASSES = _message_classes()
NetParameter = _CLASSES[f"{PACKAGE}.NetParameter"]


def number(enum: str, name: str) -> int:
    """Return the number of an enumeration's value."""
    return _ENUMS[enum][name]
